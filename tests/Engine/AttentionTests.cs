using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

/// <summary>What attention does beside what every operation is asked (<see cref="OperationTests"/>): bfloat16, wide scores, NaN, the layer, its plan.</summary>
public sealed class AttentionTests
{
    private static Device Device => TestDevices.Current;

    [Fact]
    public void Bfloat16_is_computed_in_float32_and_rounded()
    {
        using var scope = Tensor.Scope();
        int[] asked = [2, 9, 12], answered = [2, 11, 12];
        var (q, k, v) = (Narrow(asked, 1), Narrow(answered, 2), Narrow(answered, 3));
        var y = Tensor.ScaledDotProductAttention(q.RequireGradient(), k.RequireGradient(), v.RequireGradient(), 3);
        Assert.Equal(DType.BF16, y.DType);
        var wide = new[] { q, k, v }.Select(x => x.To(DType.F32).Detach().RequireGradient()).ToArray();
        var wanted = Tensor.ScaledDotProductAttention(wide[0], wide[1], wide[2], 3);
        // A value of bfloat16 has 8 bits: it is off by 2^-8 of itself at most.
        var exact = OperationCases.Attention(wide[0].ToNdArray(), wide[1].ToNdArray(), wide[2].ToNdArray(), 3);
        Close.AssertEqual(exact, y.To(DType.F32).ToNdArray(), 1.001 * Math.ScaleB(1, -8) * exact.Largest(), "result");
        var seed = Narrow(asked, 4);
        using var gradients = y.Backward(seed);
        using var wantedGradients = wanted.Backward(seed.To(DType.F32));
        foreach (var (narrow, leaf) in new[] { q, k, v }.Zip(wide))
        {
            var (got, gradient) = (gradients[narrow], wantedGradients[leaf].ToNdArray());
            Assert.Equal(DType.BF16, got.DType);
            Close.AssertEqual(
                gradient, got.To(DType.F32).ToNdArray(), 1.001 * Math.ScaleB(1, -8) * gradient.Largest(), "gradient");
        }
    }

    [Fact]
    public void Scores_out_of_the_range_of_exp_pick_one_value()
    {
        using var scope = Tensor.Scope();
        var q = Tensor.From([1000f, 0, 0, 1000], (2, 2));
        var v = Tensor.From([1f, 2, 3, 4], (2, 2));
        Assert.Equal([1f, 2, 3, 4], Tensor.ScaledDotProductAttention(q, q, v).ToArray());
    }

    [Fact]
    public void NaN_reaches_those_who_see_it_and_nobody_else()
    {
        // Two images, three tokens, two heads of two values.
        var values = Random([2, 3, 4], 5);
        using var scope = Tensor.Scope();
        var clean = Tensor.From(values, (2, 3, 4));
        values[(1 * 4) + 3] = float.NaN;
        var spoilt = Tensor.From(values, (2, 3, 4));
        // As a query: its token in its head. As a key or a value: every token of its image, in its head.
        AssertNaN(Tensor.ScaledDotProductAttention(spoilt, clean, clean, 2), [6, 7]);
        AssertNaN(Tensor.ScaledDotProductAttention(clean, spoilt, clean, 2), [2, 3, 6, 7, 10, 11]);
        AssertNaN(Tensor.ScaledDotProductAttention(clean, clean, spoilt, 2), [3, 7, 11]);

        static void AssertNaN(Tensor y, int[] wanted) => Assert.Equal(
            wanted, y.ToArray().Select((value, i) => (value, i)).Where(pair => float.IsNaN(pair.value)).Select(pair => pair.i));
    }

    [Fact]
    public void The_layer_is_its_projections_around_the_operation()
    {
        using var scope = Tensor.Scope();
        using var layer = new MultiHeadAttention(8, 2, new RandomSource(2));
        Assert.Equal(["qkv.weight", "qkv.bias", "proj.weight", "proj.bias"], layer.NamedParameters.Select(p => p.Name));
        Assert.Equal(new Shape(24, 8), layer.Qkv.Weight.Shape);
        var x = Tensor.From(Random([2, 5, 8], 6), (2, 5, 8)).RequireGradient();
        var y = layer.Forward(x);
        var parts = Enumerable.Range(0, 3).Select(i => x.Linear(
            layer.Qkv.Weight.Value.Slice(0, 8 * i, 8 * (i + 1)), layer.Qkv.Bias!.Value.Slice(0, 8 * i, 8 * (i + 1))).ToNdArray()).ToArray();
        var mixed = OperationCases.Attention(parts[0], parts[1], parts[2], 2);
        var wanted = mixed.ToTensor(DType.F32, Device).Linear(layer.Projection.Weight, layer.Projection.Bias!.Value).ToNdArray();
        Close.AssertEqual(wanted, y.ToNdArray(), 16 * Close.Rounding(DType.F32) * wanted.Largest(), "layer");
        using var gradients = y.Sum().Backward();
        Assert.Equal(5, gradients.Count);
    }

    [Fact]
    public void Heads_that_do_not_divide_the_width_are_refused()
    {
        var error = Assert.Throws<UsageException>(() => new MultiHeadAttention(8, 3, new RandomSource(2)));
        Assert.Contains("got 3", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_layer_s_plan_gives_what_the_layer_gives(bool bias)
    {
        using var scope = Tensor.Scope();
        using var layer = new MultiHeadAttention(12, 3, new RandomSource(7), bias);
        layer.Training = false;
        using var plan = InferencePlan.Compile(layer, (7, 12), Device);
        Assert.Equal(["linear", "attention, 3 heads", "linear"], plan.Steps.Select(step => step.Kind));
        var images = Random([3, 7, 12], 8);
        var got = new float[images.Length];
        plan.Run(images, got);
        var wanted = layer.Forward(Tensor.From(images, (3, 7, 12))).ToNdArray();
        Close.AssertEqual(
            wanted, new NdArray([3, 7, 12], Array.ConvertAll(got, value => (double)value)), 16 * Close.Rounding(DType.F32) * wanted.Largest(), "plan");
    }

    [Fact]
    public void The_plan_s_attention_has_the_operation_s_bits()
    {
        using var scope = Tensor.Scope();
        using var root = new Relu();
        var builder = new PlanBuilder(root, (7, 12));
        using var plan = builder.Compile(Device, null, builder.Attention(builder.Input, builder.Input, builder.Input, 3));
        var images = Random([3, 7, 12], 9);
        var got = new float[images.Length];
        plan.Run(images, got);
        var x = Tensor.From(images, (3, 7, 12));
        Assert.Equal(Tensor.ScaledDotProductAttention(x, x, x, 3).ToArray(), got);
    }

    private static Tensor Narrow(int[] shape, int seed) => Tensor.From(Random(shape, seed), new Shape(shape)).To(DType.BF16).Detach();

    private static float[] Random(int[] shape, int seed)
    {
        var values = new float[NdArray.Product(shape)];
        new RandomSource((ulong)seed).FillNormal(values);
        return values;
    }
}
