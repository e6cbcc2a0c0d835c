using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

/// <summary>Calls that make no sense: the exception's type, what its message must name, and nothing left behind.</summary>
public sealed class BadCallTests
{
    private static readonly BadCall[] Calls =
    [
        Shape("Add of shapes that do not broadcast", () => Ones(2, 3) + Ones(2), "Add", "[2, 3]", "[2]"),
        Shape("Subtract of shapes that do not broadcast", () => Ones(2, 3) - Ones(4, 1, 2), "Subtract", "[2, 3]", "[4, 1, 2]"),
        Shape("Multiply of shapes that do not broadcast", () => Ones(0) * Ones(2), "Multiply", "[0]", "[2]"),
        Shape("Divide of shapes that do not broadcast", () => Ones(3) / Ones(2), "Divide", "[3]", "[2]"),
        Type("Add of two types", () => Ones(2) + Tensor.Ones(2, DType.F64), "Add", "F32", "F64"),
        Type("Add of integers", () => Integers(2) + Integers(2), "Add", "I32"),
        Type("Affine of integers", () => Integers(2) * 2, "Affine", "I32"),
        Type("Exp of integers", () => Integers(2).Exp(), "Exp", "I32"),
        Type("Relu of bytes", () => Tensor.Zeros(2, DType.U8).Relu(), "Relu", "U8"),
        Shape("MatMul of vectors", () => Ones(3).MatMul(Ones(3)), "MatMul", "[3]"),
        Shape("MatMul of inner extents that differ", () => Ones(2, 3).MatMul(Ones(2, 3)), "MatMul", "[2, 3]", "3 and 2", "Transpose"),
        Shape("MatMul of batches that differ", () => Ones(2, 3, 4).MatMul(Ones(3, 4, 5)), "MatMul", "[2, 3, 4]", "[3, 4, 5]", "leading"),
        Shape("MatMul of ranks that differ", () => Ones(2, 2, 3, 4).MatMul(Ones(2, 4, 5)), "MatMul", "leading"),
        Type("MatMul of two types", () => Ones(2, 2).MatMul(Tensor.Ones((2, 2), DType.F64)), "MatMul", "F32", "F64"),
        Type("MatMul of integers", () => Integers(2, 2).MatMul(Integers(2, 2)), "MatMul", "I32"),
        Shape("Attention of other keys", () => Tensor.ScaledDotProductAttention(Ones(2, 3, 4), Ones(2, 3, 5), Ones(2, 3, 5)), "ScaledDotProductAttention", "[2, 3, 4]", "[2, 3, 5]"),
        Shape("Attention of other images", () => Tensor.ScaledDotProductAttention(Ones(2, 3, 4), Ones(1, 3, 4), Ones(1, 3, 4)), "ScaledDotProductAttention", "[1, 3, 4]"),
        Shape("Attention of other values", () => Tensor.ScaledDotProductAttention(Ones(3, 4), Ones(5, 4), Ones(6, 4)), "ScaledDotProductAttention", "[6, 4]"),
        Shape("Attention of heads that do not divide", () => Tensor.ScaledDotProductAttention(Ones(3, 4), Ones(3, 4), Ones(3, 4), 3), "ScaledDotProductAttention", "3 heads"),
        Shape("Attention of vectors", () => Tensor.ScaledDotProductAttention(Ones(4), Ones(4), Ones(4)), "ScaledDotProductAttention", "[4]"),
        Type("Attention of two types", () => Tensor.ScaledDotProductAttention(Ones(3, 4), Tensor.Ones((3, 4), DType.F64), Ones(3, 4)), "ScaledDotProductAttention", "F64"),
        Type("Attention of integers", () => Tensor.ScaledDotProductAttention(Integers(3, 4), Integers(3, 4), Integers(3, 4)), "ScaledDotProductAttention", "I32"),
        Shape("Sum over an axis that is not there", () => Ones(2, 3).Sum(2), "Sum", "[2, 3]", "2"),
        Shape("Sum over an axis named twice", () => Ones(2, 3).Sum([1, -1]), "Sum", "[2, 3]", "twice"),
        Type("Sum of integers", () => Integers(2).Sum(), "Sum", "I32"),
        Shape("Mean of no values", () => Ones(2, 0).Mean(1), "Mean", "[2, 0]", "no values"),
        Shape("Mean of an empty tensor", () => Ones(0).Mean(), "Mean", "[0]", "no values"),
        Shape("Max of no values", () => Ones(0, 2).Max(0), "Max", "[0, 2]", "no values"),
        Shape("ArgMax along an axis that is not there", () => Ones(2, 3).ArgMax(-3), "ArgMax", "[2, 3]", "-3"),
        Shape("ArgMax of no values", () => Ones(2, 0).ArgMax(1), "ArgMax", "[2, 0]", "no values"),
        Type("ArgMax of integers", () => Integers(2).ArgMax(), "ArgMax", "I32"),
        Shape("Reshape to another count", () => Ones(2, 3).Reshape(4), "Reshape", "[2, 3]", "[4]"),
        Shape("Reshape that does not divide", () => Ones(2, 3).Reshape(-1, 4), "Reshape", "[2, 3]", "[-1, 4]"),
        Shape("Reshape with two free extents", () => Ones(2, 3).Reshape(-1, -1), "-1"),
        Shape("Reshape of none to a free extent", () => Ones(0).Reshape(-1, 0), "Reshape", "[0]"),
        Shape("Permute with too few axes", () => Ones(2, 3).Permute(0), "Permute", "[2, 3]"),
        Shape("Permute with an axis twice", () => Ones(2, 3).Permute(1, 1), "Permute", "twice"),
        Shape("Permute with an axis that is not there", () => Ones(2, 3).Permute(0, 2), "Permute", "[2, 3]", "2"),
        Shape("Transpose of a vector", () => Ones(3).Transpose(), "Transpose", "[3]"),
        Shape("Slice past the end", () => Ones(4).Slice(0, 1, 5), "Slice", "[4]", "1..5"),
        Shape("Slice backwards", () => Ones(4).Slice(0, 3, 1), "Slice", "3..1"),
        Shape("Slice with step 0", () => Ones(4).Slice(0, 0, 4, 0), "Slice", "step 0"),
        Shape("Slice of an axis that is not there", () => Ones(4).Slice(1, 0, 1), "Slice", "[4]"),
        Shape("Concat of nothing", () => Tensor.Concat([], 0), "Concat"),
        Shape("Concat of extents that differ", () => Tensor.Concat([Ones(2, 3), Ones(2, 4)], 0), "Concat", "[2, 3]", "[2, 4]", "axis 0"),
        Shape("Concat of ranks that differ", () => Tensor.Concat([Ones(2), Ones(2, 1)], 0), "Concat", "[2]", "[2, 1]"),
        Type("Concat of types", () => Tensor.Concat([Ones(2), Integers(2)], 0), "Concat", "F32", "I32"),
        Shape("Pad by less than nothing", () => Ones(3).Pad(0, -1, 0), "Pad", "-1"),
        Shape("Pad of an axis that is not there", () => Ones(3).Pad(1, 1, 0), "Pad", "[3]"),
        Shape("Pad past the largest extent", () => Ones(3).Pad(0, int.MaxValue, 1), "Pad", "[3]"),
        Shape("GatherRows by a matrix", () => Ones(3, 2).GatherRows(Integers(2, 2)), "GatherRows", "[2, 2]"),
        Shape("GatherRows by floats", () => Ones(3, 2).GatherRows(Ones(2)), "GatherRows", "F32"),
        Shape("GatherRows of a scalar", () => Ones().GatherRows(Integers(1)), "GatherRows", "[]"),
        Input("GatherRows past the end", () => Ones(3, 2).GatherRows(Tensor.From([0, 3], 2)), "index 1", "3", "0 to 2"),
        Input("GatherRows before the start", () => Ones(3, 2).GatherRows(Tensor.From([-1], 1)), "index 0", "-1"),
        Shape("Conv2d of a matrix", () => Ones(2, 3).Conv2d(Ones(1, 1, 1, 3)), "Conv2d", "[2, 3]"),
        Shape("Conv2d with a matrix", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3)), "Conv2d", "[1, 4, 4, 3]", "[2, 3]"),
        Shape("Conv2d of other channels", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 4)), "Conv2d", "[1, 4, 4, 3]", "[2, 3, 3, 4]"),
        Shape("Conv2d with another bias", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), Ones(3)), "Conv2d", "bias", "[3]", "[2]"),
        Shape("Conv2d with a kernel that does not fit", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 5, 5, 3)), "Conv2d", "5x5", "[1, 4, 4, 3]"),
        Shape("Conv2d with stride 0", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), stride: 0), "Conv2d", "stride"),
        Shape("Conv2d with negative padding", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), padding: -1), "Conv2d", "padding"),
        Shape("Conv2d with dilation 0", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), dilation: 0), "Conv2d", "dilation (0, 0)", "1 or more"),
        Shape("Conv2d with 0 groups", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), groups: 0), "Conv2d", "0 groups"),
        Shape("Conv2d with groups that do not divide the input", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 1), groups: 2), "Conv2d", "2 groups", "3 channels"),
        Shape("Conv2d with groups that do not divide the output", () => Ones(1, 4, 4, 4).Conv2d(Ones(3, 3, 3, 2), groups: 2), "Conv2d", "2 groups", "3 of output"),
        Shape("Conv2d with weights of all groups", () => Ones(1, 4, 4, 4).Conv2d(Ones(2, 3, 3, 4), groups: 2), "Conv2d", "[2, 3, 3, 4]", "2 groups", "last dimension of 2"),
        Shape("Conv2d with a dilated kernel that does not fit", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), dilation: 2), "Conv2d", "3x3", "5x5", "4x4"),
        Shape("Conv2d with padding below 0 on one side", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), null, new Conv2dOptions { Padding = (1, 1, 1, -1) }), "Conv2d", "(1, 1, 1, -1)"),
        Shape("Conv2d layer with groups that do not divide", () => new Conv2d(4, 6, 3, new RandomSource(1), groups: 4).Dispose(), "Conv2d", "4 groups", "6 of output"),
        Shape("Conv2d with an empty kernel", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 0, 3, 3)), "Conv2d", "kernel"),
        Type("Conv2d of two types", () => Ones(1, 4, 4, 3).Conv2d(Tensor.Ones((2, 3, 3, 3), DType.F64)), "Conv2d", "F64"),
        Type("Conv2d with a bias of another type", () => Ones(1, 4, 4, 3).Conv2d(Ones(2, 3, 3, 3), Tensor.Ones(2, DType.F64)), "Conv2d", "F64"),
        Shape("BatchNorm with another scale", () => Ones(4, 3).BatchNorm(Ones(2), Ones(3), 1e-5), "BatchNorm", "[4, 3]", "[2]"),
        Shape("BatchNorm of a vector", () => Ones(3).BatchNorm(Ones(3), Ones(3), 1e-5), "BatchNorm", "[3]"),
        Shape("BatchNorm of no values", () => Ones(0, 3).BatchNorm(Ones(3), Ones(3), 1e-5), "BatchNorm", "[0, 3]"),
        Type("BatchNorm of two types", () => Ones(4, 3).BatchNorm(Tensor.Ones(3, DType.F64), Ones(3), 1e-5), "BatchNorm", "F64"),
        Shape("BatchNorm with another mean", () => Ones(4, 3).BatchNorm(Ones(2), Ones(3), Ones(3), Ones(3), 1e-5), "BatchNorm", "mean", "[2]"),
        Type("BatchNorm with a mean of another type", () => Ones(4, 3).BatchNorm(Tensor.Ones(3, DType.F64), Ones(3), Ones(3), Ones(3), 1e-5), "BatchNorm", "F64"),
        Shape("LayerNorm with another scale", () => Ones(4, 3).LayerNorm(Ones(4), Ones(4)), "LayerNorm", "[4, 3]", "[4]"),
        Type("LayerNorm of integers", () => Integers(4, 3).LayerNorm(Ones(3), Ones(3)), "LayerNorm", "I32"),
        Shape("AveragePool2d of a matrix", () => Ones(4, 4).AveragePool2d(2), "AveragePool2d", "[4, 4]"),
        Shape("AveragePool2d with a kernel that does not fit", () => Ones(1, 2, 2, 1).AveragePool2d(3), "AveragePool2d", "3x3", "[1, 2, 2, 1]"),
        Shape("AveragePool2d of windows without a pixel", () => Ones(1, 4, 4, 1).AveragePool2d(3, 1, 2), "AveragePool2d", "padding 2", "kernel 3"),
        Shape("Subsample of no image", () => Ones(4, 4, 1).Subsample(2), "Subsample", "[4, 4, 1]"),
        Shape("Subsample with a stride of 0", () => Ones(1, 4, 4, 1).Subsample(0), "Subsample", "stride 0"),
        Shape("Subsample with fewer channels than none", () => Ones(1, 4, 4, 1).Subsample(2, -1, 2), "Subsample", "-1 channels before"),
        Shape("Subsample to more channels than there can be", () => Ones(1, 4, 4, 1).Subsample(2, int.MaxValue, 0), "Subsample", "after"),
        Shape("MaxPool2d of windows without a pixel", () => Ones(1, 4, 4, 1).MaxPool2d(2, 1, 2), "MaxPool2d", "padding 2", "kernel 2"),
        Shape("MaxPool2d with negative stride", () => Ones(1, 4, 4, 1).MaxPool2d(2, -1), "MaxPool2d", "stride"),
        Type("MaxPool2d of bytes", () => Tensor.Zeros((1, 4, 4, 1), DType.U8).MaxPool2d(2), "MaxPool2d", "U8"),
        Shape("AdaptiveAveragePool2d of a matrix", () => Ones(4, 4).AdaptiveAveragePool2d(2, 2), "AdaptiveAveragePool2d", "[4, 4]"),
        Shape("AdaptiveAveragePool2d to no window", () => Ones(1, 4, 4, 1).AdaptiveAveragePool2d(2, 0), "AdaptiveAveragePool2d", "2 x 0"),
        Shape("AdaptiveAveragePool2d of no pixel", () => Ones(1, 0, 4, 1).AdaptiveAveragePool2d(1, 1), "AdaptiveAveragePool2d", "[1, 0, 4, 1]"),
        Shape("GlobalAveragePool2d of a matrix", () => Ones(4, 4).GlobalAveragePool2d(), "GlobalAveragePool2d", "[4, 4]"),
        Shape("Softmax of a scalar", () => Ones().Softmax(), "Softmax"),
        Type("LogSoftmax of integers", () => Integers(3).LogSoftmax(), "Softmax", "I32"),
        Shape("CrossEntropy of a vector", () => Loss.CrossEntropy(Ones(3), Integers(3)), "CrossEntropy", "[3]"),
        Shape("CrossEntropy with another number of labels", () => Loss.CrossEntropy(Ones(4, 3), Integers(3)), "CrossEntropy", "[4, 3]", "[3]"),
        Shape("CrossEntropy with floating labels", () => Loss.CrossEntropy(Ones(4, 3), Ones(4)), "CrossEntropy", "F32"),
        Type("CrossEntropy of integers", () => Loss.CrossEntropy(Integers(4, 3), Integers(4)), "CrossEntropy", "I32"),
        Input("CrossEntropy with a label that is too large", () => Loss.CrossEntropy(Ones(2, 3), Tensor.From([0, 3], 2)), "label", "3"),
        Input("CrossEntropy with a negative label", () => Loss.CrossEntropy(Ones(2, 3), Tensor.From([-1, 0], 2)), "label", "-1"),
        Shape("CrossEntropy of no samples", () => Loss.CrossEntropy(Ones(0, 3), Integers(0)), "Mean", "no values"),
        Shape("SoftCrossEntropy with other targets", () => Loss.SoftCrossEntropy(Ones(4, 3), Ones(4, 2)), "SoftCrossEntropy", "[4, 3]", "[4, 2]"),
        Shape("KlDivergence with another teacher", () => Loss.KlDivergence(Ones(4, 3), Ones(3, 3)), "KlDivergence", "[4, 3]", "[3, 3]"),
        Usage("KlDivergence at temperature 0", () => Loss.KlDivergence(Ones(4, 3), Ones(4, 3), 0), "KlDivergence", "temperature 0"),
        Usage("KlDivergence at no temperature", () => Loss.KlDivergence(Ones(4, 3), Ones(4, 3), double.NaN), "temperature"),
        Usage("Dropout of everything", () => Ones(3).Dropout(1, 1), "Dropout", "p = 1"),
        Usage("Dropout of a negative share", () => Ones(3).Dropout(-0.1, 1), "Dropout"),
        Usage("Dropout of no number", () => Ones(3).Dropout(double.NaN, 1), "Dropout"),
        Type("Dropout of integers", () => Integers(3).Dropout(0.5, 1), "Dropout", "I32"),
        Shape("Linear of other inputs", () => Ones(4, 3).Linear(Ones(5, 4)), "Linear", "[4, 3]", "[5, 4]"),
        Shape("Linear of a scalar", () => Ones().Linear(Ones(5, 4)), "Linear", "[]"),
        Shape("Linear with another bias", () => Ones(4, 3).Linear(Ones(5, 3), Ones(3)), "Linear", "[3]", "[5]"),
        Type("Linear of two types", () => Ones(4, 3).Linear(Tensor.Ones((5, 3), DType.F64)), "Linear", "F64"),
        Type("Linear with a bias of another type", () => Ones(4, 3).Linear(Ones(5, 3), Tensor.Ones(5, DType.F64)), "Linear", "F64"),
        Shape("Backward of more than one value", () => Ones(2).RequireGradient().Backward(), "Backward", "[2]"),
        Shape("Backward with another seed", () => Ones(2).RequireGradient().Backward(Ones(3)), "Backward", "[3]", "[2]"),
        Type("Backward with a seed of another type", () => Ones(2).RequireGradient().Backward(Tensor.Ones(2, DType.F64)), "Backward", "F64"),
        Type("RequireGradient of integers", () => Integers(2).RequireGradient(), "RequireGradient", "I32"),
        Shape("From of another count", () => Tensor.From([1f, 2f], 3), "From", "2", "[3]"),
        Type("CopyTo of another type", () => Ones(2).CopyTo(new double[2].AsSpan()), "CopyTo", "F32", "Double"),
        Shape("CopyTo of another count", () => Ones(2).CopyTo(new float[3].AsSpan()), "CopyTo", "3", "[2]"),
        Type("CopyFrom of another type", () => Ones(2).CopyFrom<int>([1, 2]), "CopyFrom", "F32", "Int32"),
        Shape("CopyFrom of another count", () => Ones(2).CopyFrom<float>([1]), "CopyFrom", "[2]"),
        Shape("CopyFrom to a turned view", () => Ones(2, 3).Transpose().CopyFrom<float>([1, 2, 3, 4, 5, 6]), "CopyFrom", "contiguous"),
        Shape("Item of two values", () => Ones(2).Item(), "Item", "[2]"),
        Shape("Assign of another shape", () => Ones(2).Assign(Ones(3)), "Assign", "[3]", "[2]"),
        Type("Assign of another type", () => Ones(2).Assign(Integers(2)), "Assign", "I32"),
        Shape("a shape of seven dimensions", () => new Shape(1, 1, 1, 1, 1, 1, 1), "7", "6"),
        Shape("a shape with a negative extent", () => new Shape(2, -1), "dimension 1", "-1"),
        Shape("a shape past 64 bits", () => Tensor.Zeros((1 << 16, 1 << 16, 1 << 16, 1 << 16)), "[65536, 65536, 65536, 65536]"),
        Shape("a dimension that is not there", () => Ones(2, 3).Shape[2], "[2, 3]", "2"),
        Usage("SGD with Nesterov and no momentum", () => new Sgd([], 0.1, nesterov: true), "Nesterov", "momentum"),
        Shape("restoring another optimizer's state", () => RestoreFromOther(), "Optimizer", "[1, 2]", "[1, 3]"),
        new("a device that is not there", typeof(DeviceException), () => Device.Cuda(99), ["cuda:99"]),
        Usage("a device that has no meaning", () => Device.Parse("cuda:x"), "cuda:x"),
    ];

    public static TheoryData<string> Names() => [.. Calls.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_bad_call_says_what_is_wrong_and_leaves_nothing_behind(string name)
    {
        var call = Calls.Single(c => c.Name == name);
        Exception? error;
        // Owner of the operands only: the tests of every case show that operations clean up without a scope.
        using (Tensor.Scope())
            error = Record.Exception(() => RunToItsEnd(call));
        Assert.True(error is not null, "nothing was thrown");
        Assert.IsType(call.Error, error, exactMatch: true);
        foreach (var part in call.Parts)
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        var code = Assert.IsAssignableFrom<EscException>(error).Code;
        Assert.NotEqual(ErrorCode.Internal, code);
    }

    // A GPU reports an index out of range when it is next waited for.
    private static object? RunToItsEnd(BadCall call)
    {
        var result = call.Run();
        TestDevices.Current.Synchronize();
        return result;
    }

    private static Tensor Ones(params ReadOnlySpan<int> shape) => Tensor.Ones(new Shape(shape));

    private static Tensor Integers(params ReadOnlySpan<int> shape) => Tensor.Zeros(new Shape(shape), DType.I32);

    private static Tensor RestoreFromOther()
    {
        using var a = new Linear(2, 1, new RandomSource(1));
        using var b = new Linear(3, 1, new RandomSource(1));
        using var of = new Sgd([a.Weight], 0.1, momentum: 0.9);
        using var to = new Sgd([b.Weight], 0.1, momentum: 0.9);
        to.Restore(1, of.State);
        return a.Weight;
    }

    private static BadCall Shape(string name, Func<object?> run, params string[] parts) => new(name, typeof(ShapeException), run, parts);

    private static BadCall Shape(string name, Action run, params string[] parts) => new(name, typeof(ShapeException), Returning(run), parts);

    private static BadCall Type(string name, Func<object?> run, params string[] parts) => new(name, typeof(DTypeException), run, parts);

    private static BadCall Type(string name, Action run, params string[] parts) => new(name, typeof(DTypeException), Returning(run), parts);

    private static BadCall Usage(string name, Func<object?> run, params string[] parts) => new(name, typeof(UsageException), run, parts);

    private static BadCall Input(string name, Func<object?> run, params string[] parts) => new(name, typeof(EscException), run, parts);

    private static Func<object?> Returning(Action run) => () =>
    {
        run();
        return null;
    };

    private sealed record BadCall(string Name, Type Error, Func<object?> Run, string[] Parts);
}
