using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Tests.Engine;

namespace EscNative.Tests.Plans;

/// <summary>What a plan cuts, joins and holds constant, against the tensors' own operations: bit for bit, since nothing is summed.</summary>
public sealed class CutAndJoinTests
{
    public static TheoryData<string> Cases => [.. Recipes.Keys];

    private static readonly Dictionary<string, (Shape Image, Func<PlanBuilder, PlanValue, PlanValue> Plan, Func<Tensor, Tensor> Tensors)> Recipes = new()
    {
        ["rows"] = ((7, 5), (p, x) => p.Slice(x, 0, 2, 6), x => x.Slice(1, 2, 6)),
        ["columns"] = ((7, 5), (p, x) => p.Slice(x, 1, 1, 4), x => x.Slice(2, 1, 4)),
        ["all of them"] = ((7, 5), (p, x) => p.Slice(x, 1, 0, 5), x => x),
        ["channels of an image"] = ((3, 4, 6), (p, x) => p.Slice(x, 2, 5, 6), x => x.Slice(3, 5, 6)),
        ["columns of an image"] = ((3, 4, 6), (p, x) => p.Slice(x, 1, 1, 3), x => x.Slice(2, 1, 3)),
        ["a vector"] = (9, (p, x) => p.Slice(x, 0, 4, 5), x => x.Slice(1, 4, 5)),
        ["a slice of a slice"] = ((7, 5), (p, x) => p.Slice(p.Slice(x, 1, 1, 5), 0, 3, 4), x => x.Slice(2, 1, 5).Slice(1, 3, 4)),
        ["pixels as tokens"] = ((3, 4, 6), (p, x) => p.Reshape(x, (12, 6)), x => x.Reshape(-1, 12, 6)),
        ["pixels as tokens, and read as they were"] = (
            (3, 4, 6), (p, x) => p.Concat([p.Reshape(x, (12, 6)), p.Reshape(p.Slice(x, 0, 1, 2), (4, 6))], 0),
            x => Tensor.Concat([x.Reshape(-1, 12, 6), x.Slice(1, 1, 2).Reshape(-1, 4, 6)], 1)),
        ["rows joined"] = ((7, 5), (p, x) => p.Concat([x, p.Slice(x, 0, 0, 1), x], 0), x => Tensor.Concat([x, x.Slice(1, 0, 1), x], 1)),
        ["columns joined"] = ((7, 5), (p, x) => p.Concat([p.Slice(x, 1, 4, 5), x], 1), x => Tensor.Concat([x.Slice(2, 4, 5), x], 2)),
        ["channels joined with a constant"] = (
            (2, 3, 4), (p, x) => p.Concat([p.Constant(Constant((2, 3, 2))), x], 2), x => Tensor.Concat([Repeat(Constant((2, 3, 2)), x), x], 3)),
        ["a constant row, and positions"] = (
            (7, 5), (p, x) => p.Add(p.Concat([p.Constant(Constant((1, 5))), x], 0), p.Constant(Constant((8, 5)))),
            x => Tensor.Concat([Repeat(Constant((1, 5)), x), x], 1) + Repeat(Constant((8, 5)), x)),
        ["positions, and a constant row, and again"] = (
            (7, 5), (p, x) => p.Add(p.Constant(Constant((8, 5))), p.Add(p.Constant(Constant((8, 5))), p.Concat([p.Constant(Constant((1, 5))), x], 0))),
            x => Repeat(Constant((8, 5)), x) + (Repeat(Constant((8, 5)), x) + Tensor.Concat([Repeat(Constant((1, 5)), x), x], 1))),
        ["a constant that is added to the input"] = ((7, 5), (p, x) => p.Add(x, p.Constant(Constant((7, 5)))), x => x + Repeat(Constant((7, 5)), x)),
        ["a constant alone"] = ((7, 5), (p, x) => p.Constant(Constant((2, 3))), x => Repeat(Constant((2, 3)), x)),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void It_gives_what_the_tensors_give(string name)
    {
        var (image, lower, tensors) = Recipes[name];
        using var scope = Tensor.Scope();
        using var net = new Sequential();
        var builder = new PlanBuilder(net, image);
        using var plan = builder.Compile(TestDevices.Current, new PlanOptions { ImagesPerChunk = 3 }, lower(builder, builder.Input));
        foreach (var n in new[] { 1, 2, 3, 7 })
        {
            var x = Array.ConvertAll(Models.PlaceValues.Uniform((int)(n * image.Count), n), v => (float)v);
            Span<int> dims = [n, .. image.ToArray()];
            var wanted = tensors(Tensor.From(x, new Shape(dims), TestDevices.Current));
            Assert.Equal(wanted.Shape.ToArray()[1..], plan.OutputShapes[0].ToArray());
            var got = new float[wanted.Count];
            Array.Fill(got, float.NaN);
            plan.Run(x, got);
            Assert.Equal(wanted.ToArray(), got);
        }
    }

    [Fact]
    public void A_constant_in_a_concatenation_and_one_that_is_added_to_it_are_one_step()
    {
        var (image, lower, _) = Recipes["a constant row, and positions"];
        using var scope = Tensor.Scope();
        using var net = new Sequential();
        var builder = new PlanBuilder(net, image);
        var step = Assert.Single(builder.Describe(lower(builder, builder.Input)));
        Assert.Equal(("concat of 2 + constant", 4.0 * (5 + 40)), (step.Kind, step.WeightBytes));
    }

    [Fact]
    public void Slices_that_attention_reads_are_no_steps()
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(4);
        using var layer = new MultiHeadAttention(24, 3, random, device: TestDevices.Current);
        using var plan = InferencePlan.Compile(layer, (9, 24), TestDevices.Current);
        Assert.Equal(["linear", "attention, 3 heads", "linear"], plan.Steps.Select(s => s.Kind));
        var x = Array.ConvertAll(Models.PlaceValues.Uniform(5 * 9 * 24, 3), v => (float)v);
        var wanted = layer.Forward(Tensor.From(x, (5, 9, 24), TestDevices.Current)).ToArray();
        var got = new float[wanted.Length];
        plan.Run(x, got);
        // Sums of 24 and 9 terms of size 1 twice, 8 √24 2^-24 each.
        Assert.All(wanted.Zip(got), pair => Assert.InRange(pair.Second, pair.First - 1e-5f, pair.First + 1e-5f));

        // What the first tokens get alone is what they get among all.
        var builder = new PlanBuilder(layer, (9, 24));
        using var first = builder.Compile(TestDevices.Current, null, layer.LowerFirst(builder, builder.Input, 2));
        var alone = new float[5 * 2 * 24];
        first.Run(x, alone);
        for (var i = 0; i < alone.Length; i++)
            Assert.InRange(alone[i], wanted[(i / 48 * 216) + (i % 48)] - 1e-5f, wanted[(i / 48 * 216) + (i % 48)] + 1e-5f);
    }

    [Theory]
    [InlineData(1, 1, UnaryOp.Gelu, "gelu")]
    [InlineData(33, 7, UnaryOp.Gelu, "gelu")]
    [InlineData(96, 200, UnaryOp.Silu, "silu")]
    [InlineData(5, 9, UnaryOp.Relu6, "relu6")]
    [InlineData(33, 20, UnaryOp.GeluTanh, "gelu (tanh)")]
    [InlineData(1300, 50, UnaryOp.Gelu, "gelu")]
    public void A_function_at_the_end_of_a_linear_layer_is_the_function_behind_it(int inputs, int outputs, UnaryOp op, string kind)
    {
        using var scope = Tensor.Scope();
        using var net = new Sequential(new Linear(inputs, outputs, new RandomSource(2), device: TestDevices.Current), new Activation(op));
        using var plan = InferencePlan.Compile(net, (11, inputs), TestDevices.Current);
        Assert.Equal($"linear + {kind}", Assert.Single(plan.Steps).Kind);
        var x = Array.ConvertAll(Models.PlaceValues.Uniform(3 * 11 * inputs, 3), v => (float)(20 * v));
        var wanted = net.Forward(Tensor.From(x, (3, 11, inputs), TestDevices.Current)).ToArray();
        var got = new float[wanted.Length];
        plan.Run(x, got);
        // What ReLU6 cuts off was as large as the rest.
        var largest = wanted.Max(Math.Abs) * (op == UnaryOp.Relu6 ? 10 : 1);
        // A sum of so many terms, 8 √n 2^-24; the slopes are at most 1.13.
        var bound = (float)(largest * 9 * Math.Sqrt(inputs) * Math.Pow(2, -24));
        Assert.All(wanted.Zip(got), pair => Assert.InRange(pair.Second, pair.First - bound, pair.First + bound));
    }

    [Fact]
    public void Adaptive_pooling_behind_and_before_convolutions()
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(5);
        foreach (var (height, width, kind) in ((int?, int?, string)[])[(3, 4, "average pool to 3x4"), (null, 2, "average pool to 9x2"), (11, 20, "average pool to 11x20"), (1, 1, "average pool 9x7")])
        {
            // The halo that the second convolution wants lies around the pooling's result.
            using var net = new Sequential(
                new Conv2d(3, 5, 3, random, padding: 1, device: TestDevices.Current), new Silu(), new AdaptiveAveragePool2d(height, width),
                new Conv2d(5, 4, 3, random, padding: 1, device: TestDevices.Current), new Gelu(tanh: true));
            using var plan = InferencePlan.Compile(net, (9, 7, 3), TestDevices.Current);
            Assert.Equal(["conv 3x3 + silu", kind, "conv 3x3 + gelu (tanh)"], plan.Steps.Select(s => s.Kind));
            var x = Array.ConvertAll(Models.PlaceValues.Uniform(2 * 9 * 7 * 3, 3), v => (float)(4 * v));
            var wanted = net.Forward(Tensor.From(x, (2, 9, 7, 3), TestDevices.Current)).ToArray();
            var got = new float[wanted.Length];
            plan.Run(x, got);
            Assert.All(wanted.Zip(got), pair => Assert.InRange(pair.Second, pair.First - 2e-5f, pair.First + 2e-5f));
            Assert.Contains(wanted, v => Math.Abs(v) > 0.05f);
        }
    }

    // Winograd's kernels know ReLU alone: the function follows them in the same step, halos or not.
    [Fact]
    public void A_function_behind_winograd_is_the_function_behind_the_convolution()
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(6);
        foreach (var last in (Module[])[new Conv2d(64, 64, 3, random, padding: 1), new Silu()])
        {
            using var net = new Sequential(new Conv2d(64, 64, 3, random, padding: 1), new Gelu(tanh: true), last);
            using var plan = InferencePlan.Compile(net, (16, 16, 64), Device.Cpu);
            Assert.Equal("conv 3x3 + gelu (tanh)", plan.Steps[0].Kind);
            Assert.StartsWith("winograd", plan.Steps[0].Algorithm, StringComparison.Ordinal);
            var x = Array.ConvertAll(Models.PlaceValues.Uniform(2 * 16 * 16 * 64, 3), v => (float)v);
            var wanted = net.Forward(Tensor.From(x, (2, 16, 16, 64))).ToArray();
            var got = new float[wanted.Length];
            plan.Run(x, got);
            Assert.All(wanted.Zip(got), pair => Assert.InRange(pair.Second, pair.First - 1e-4f, pair.First + 1e-4f));
        }
    }

    [Fact]
    public void What_gelu_cannot_be_fused_into_stays_a_step_of_its_own()
    {
        var random = new RandomSource(1);
        using var net = new Sequential(new Linear(4, 3, random), new Relu(), new Activation(UnaryOp.Gelu), new Linear(3, 3, random), new Activation(UnaryOp.Gelu), new Relu());
        Assert.Equal(["linear + relu", "gelu", "linear + gelu", "copy + relu"], InferencePlanSteps(net, 4));
        using var image = new Sequential(new Conv2d(3, 4, 3, random), new Activation(UnaryOp.Gelu), new Conv2d(4, 2, 1, random), new Activation(UnaryOp.Gelu));
        Assert.Equal(["conv 3x3 + gelu", "conv 1x1 + gelu"], InferencePlanSteps(image, (5, 5, 3)));

        static IEnumerable<string> InferencePlanSteps(Sequential net, Shape image)
        {
            var builder = new PlanBuilder(net, image);
            return [.. builder.Describe(net.Lower(builder, builder.Input)).Select(s => s.Kind)];
        }
    }

    [Fact]
    public void Bad_calls_say_what_is_wrong()
    {
        using var scope = Tensor.Scope();
        using var net = new Sequential();
        var builder = new PlanBuilder(net, (7, 5));
        var x = builder.Input;
        Assert.Contains("3..9", Assert.Throws<ShapeException>(() => builder.Slice(x, 0, 3, 9)).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => builder.Slice(x, 0, 3, 3));
        Assert.Throws<ShapeException>(() => builder.Slice(x, 0, -1, 3));
        Assert.Throws<ShapeException>(() => builder.Slice(x, 2, 0, 1));
        Assert.Contains("[7, 5]", Assert.Throws<ShapeException>(() => builder.Reshape(x, (7, 4))).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => builder.Concat([], 0));
        Assert.Throws<ShapeException>(() => builder.Concat([x], 2));
        Assert.Contains("axis 0", Assert.Throws<ShapeException>(() => builder.Concat([x, builder.Slice(x, 1, 0, 2)], 0)).Message, StringComparison.Ordinal);
        Assert.Throws<DTypeException>(() => builder.Constant(Tensor.Zeros(3, DType.F64)));
        Assert.Throws<ShapeException>(() => builder.Constant(Tensor.Zeros(0)));
    }

    private static Tensor Constant(Shape shape) =>
        Tensor.From(Array.ConvertAll(Models.PlaceValues.Uniform((int)shape.Count, 99), v => (float)v), shape, TestDevices.Current);

    // [n, ..] of the constant.
    private static Tensor Repeat(Tensor constant, Tensor x)
    {
        Span<int> one = [1, .. constant.Shape.ToArray()];
        return Tensor.Concat([.. Enumerable.Repeat(constant.Reshape(new Shape(one)), x.Shape[0])], 0);
    }
}
