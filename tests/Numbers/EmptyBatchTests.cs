using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Tests.Numbers;

/// <summary>A batch of no images goes through every layer in evaluation and back, as in PyTorch; what has no answer says so.</summary>
public sealed class EmptyBatchTests
{
    public static TheoryData<string> Devices => NumberDevices.Both;

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_operation_takes_no_images(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        Tensor Zeros(params ReadOnlySpan<int> shape) => Tensor.Zeros(new Shape(shape), device: device);
        var norm = (Ones: Tensor.Ones(2, device: device), Zeros: Zeros(2));
        (string Name, Func<Tensor, Tensor> Run, int[] Wanted)[] operations =
        [
            ("batch norm", x => x.BatchNorm(norm.Zeros, norm.Ones, norm.Ones, norm.Zeros, 1e-5), [0, 4, 4, 2]),
            ("batch norm and relu", x => x.BatchNorm(norm.Zeros, norm.Ones, norm.Ones, norm.Zeros, 1e-5, relu: true), [0, 4, 4, 2]),
            ("layer norm", x => x.LayerNorm(norm.Ones, norm.Zeros), [0, 4, 4, 2]),
            ("convolution", x => x.Conv2d(Zeros(5, 3, 3, 2), Zeros(5), 2, 1), [0, 2, 2, 5]),
            ("fast convolution", x => x.Conv2d(Zeros(5, 3, 3, 2), Zeros(5), 1, 1, fast: true), [0, 4, 4, 5]),
            ("max pool", x => x.MaxPool2d(2), [0, 2, 2, 2]),
            ("average pool", x => x.AveragePool2d(3, 1, 1), [0, 4, 4, 2]),
            ("adaptive average", x => x.AdaptiveAveragePool2d(3, 1), [0, 3, 1, 2]),
            ("global average", x => x.GlobalAveragePool2d(), [0, 2]),
            ("subsample", x => x.Subsample(2, 1, 1), [0, 2, 2, 4]),
            ("linear", x => x.Linear(Zeros(7, 2), Zeros(7)), [0, 4, 4, 7]),
            ("product", x => x.MatMul(Zeros(2, 3)), [0, 4, 4, 3]),
            ("softmax", x => x.Softmax(), [0, 4, 4, 2]),
            ("log softmax", x => x.LogSoftmax(), [0, 4, 4, 2]),
            ("relu", x => x.Relu(), [0, 4, 4, 2]),
            ("quotient", x => x / 3, [0, 4, 4, 2]),
            ("weighed", x => Tensor.Weigh(x, x), [0, 4, 4, 2]),
            ("sum", x => x.Sum(-1), [0, 4, 4]),
            ("mean", x => x.Mean([1, 2]), [0, 2]),
            ("max", x => x.Max(3), [0, 4, 4]),
            ("dropout", x => x.Dropout(0.5, 1), [0, 4, 4, 2]),
            ("soft cross-entropy", x => Loss.SoftCrossEntropy(x.Reshape(0, 2), Zeros(0, 2), Reduction.None), [0]),
            ("divergence", x => Loss.KlDivergence(x.Reshape(0, 2), Zeros(0, 2), 0.5, Reduction.None), [0]),
            ("cross-entropy", x => Loss.CrossEntropy(x.Reshape(0, 2), Tensor.From((int[])[], 0, device), Reduction.None), [0]),
        ];
        foreach (var (operation, run, wanted) in operations)
        {
            var x = Zeros(0, 4, 4, 2).RequireGradient();
            var y = run(x);
            Assert.True(y.Shape.ToArray().SequenceEqual(wanted), $"{operation}: {y.Shape}");
            using var gradients = y.Sum().Backward();
            Assert.True(gradients[x].Shape == x.Shape, operation);
        }

        Assert.Equal(new Shape(0, 4), Zeros(0, 4, 5).ArgMax().Shape);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Parameters_of_layers_that_saw_nothing_have_gradients_of_zero(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        Tensor Parameter(params ReadOnlySpan<int> shape) => Tensor.Ones(new Shape(shape), device: device).RequireGradient();
        var (w, b, g, h, s, t) = (Parameter(2, 3, 3, 2), Parameter(2), Parameter(2), Parameter(2), Parameter(2), Parameter(2));
        var x = Tensor.Zeros((0, 4, 4, 2), device: device);
        var y = x.Conv2d(w, b, 1, 1).BatchNorm(Tensor.Zeros(2, device: device), Tensor.Ones(2, device: device), g, h, 1e-5, relu: true).LayerNorm(s, t);
        using var gradients = y.Sum().Backward();
        foreach (var parameter in (Tensor[])[w, b, g, h, s, t])
            Assert.All(gradients[parameter].Wide(), v => Assert.Equal(0, v));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_batch_norm_in_evaluation_takes_an_empty_batch_and_one_in_training_says_what_it_lacks(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        using var norm = new BatchNorm2d(2, device: device);
        norm.Training = false;
        Assert.Equal(new Shape(0, 4, 4, 2), norm.Forward(Tensor.Zeros((0, 4, 4, 2), device: device)).Shape);
        norm.Training = true;
        Assert.Contains("[0, 4, 4, 2]", Assert.Throws<ShapeException>(() => norm.Forward(Tensor.Zeros((0, 4, 4, 2), device: device))).Message, StringComparison.Ordinal);
        // PyTorch: "Expected more than 1 value per channel when training".
        var e = Assert.Throws<ShapeException>(() => norm.Forward(Tensor.Zeros((1, 1, 1, 2), device: device)));
        Assert.Contains("more than one value", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, norm.BatchesTracked);
        Assert.All(norm.RunningVariance.Wide(), v => Assert.Equal(1, v));
        norm.Forward(Tensor.Zeros((1, 1, 2, 2), device: device));
        Assert.Equal(1, norm.BatchesTracked);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_plan_of_no_images_gives_no_results(string name)
    {
        var device = NumberDevices.Get(name);
        var random = new RandomSource(1);
        using var net = new Sequential(
            new Conv2d(2, 4, 3, random, padding: 1, device: device), new BatchNorm2d(4, device: device), new Relu(), new GlobalAveragePool2d(),
            new Linear(4, 3, random, device: device));
        using var plan = InferencePlan.Compile(net, (4, 4, 2), device);
        plan.Run(ReadOnlySpan<float>.Empty, []);
    }
}
