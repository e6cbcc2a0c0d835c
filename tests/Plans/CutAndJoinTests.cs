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
    [InlineData(1, 1)]
    [InlineData(33, 7)]
    [InlineData(96, 200)]
    [InlineData(1300, 50)]
    public void Gelu_at_the_end_of_a_linear_layer_is_gelu_behind_it(int inputs, int outputs)
    {
        using var scope = Tensor.Scope();
        using var net = new Sequential(new Linear(inputs, outputs, new RandomSource(2), device: TestDevices.Current), new Activation(UnaryOp.Gelu));
        using var plan = InferencePlan.Compile(net, (11, inputs), TestDevices.Current);
        Assert.Equal("linear + gelu", Assert.Single(plan.Steps).Kind);
        var x = Array.ConvertAll(Models.PlaceValues.Uniform(3 * 11 * inputs, 3), v => (float)(20 * v));
        var wanted = net.Forward(Tensor.From(x, (3, 11, inputs), TestDevices.Current)).ToArray();
        var got = new float[wanted.Length];
        plan.Run(x, got);
        var largest = wanted.Max(Math.Abs);
        // A sum of so many terms, 8 √n 2^-24; GELU's slope is at most 1.13.
        var bound = (float)(largest * 9 * Math.Sqrt(inputs) * Math.Pow(2, -24));
        Assert.All(wanted.Zip(got), pair => Assert.InRange(pair.Second, pair.First - bound, pair.First + bound));
    }

    [Fact]
    public void What_gelu_cannot_be_fused_into_stays_a_step_of_its_own()
    {
        var random = new RandomSource(1);
        using var net = new Sequential(new Linear(4, 3, random), new Relu(), new Activation(UnaryOp.Gelu), new Linear(3, 3, random), new Activation(UnaryOp.Gelu), new Relu());
        Assert.Equal(["linear + relu", "gelu", "linear + gelu", "copy + relu"], InferencePlanSteps(net, 4));
        using var image = new Sequential(new Conv2d(3, 4, 3, random), new Activation(UnaryOp.Gelu), new Conv2d(4, 2, 1, random), new Activation(UnaryOp.Gelu));
        Assert.Equal(["conv 3x3", "gelu", "conv 1x1 + gelu"], InferencePlanSteps(image, (5, 5, 3)));

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
