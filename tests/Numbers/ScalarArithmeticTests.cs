using EscNative.Engine;

namespace EscNative.Tests.Numbers;

/// <summary>Tensors and numbers: true division, and numbers that float32 cannot hold.</summary>
public sealed class ScalarArithmeticTests
{
    public static TheoryData<string> Devices => NumberDevices.Both;

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_number_divided_by_itself_is_one(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        var values = Enumerable.Range(1, 1003).Select(i => (float)i).ToArray();
        foreach (var divisor in (double[])[41, 47, 49, 3, 10, 0.1f, 1e-30f])
        {
            var x = Tensor.From(Array.ConvertAll(values, v => v * (float)divisor), values.Length, device);
            Assert.Equal(Array.ConvertAll(x.ToArray(), v => v / (float)divisor), (x / divisor).ToArray());
            Assert.Equal(1, (Tensor.From([(float)divisor], 1, device) / divisor).Item());
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_number_that_float32_cannot_hold_is_not_rounded_to_nothing(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        Tensor Of(params float[] values) => Tensor.From(values, values.Length, device);
        Assert.Equal([0f, 0, float.PositiveInfinity], (Of(0, -0f, 1) / 1e-40).ToArray());
        Assert.Equal([0f, 1e-20f / 1e-30f], (Of(0, 1e-40f) / (double)1e-50).ToArray().Select((v, i) => i == 0 ? v : MathF.Abs((v / 1e10f) - 1) < 1e-4f ? 1e-20f / 1e-30f : v));
        Assert.Equal([0f, 1e10f], (Of(0, 1e-30f) * 1e40).ToArray(), (a, b) => Math.Abs(a - b) <= 1e-6 * Math.Abs(a));
        Assert.Equal([0f, 1e-12f], (Of(0, 1e38f) * 1e-50).ToArray(), (a, b) => Math.Abs(a - b) <= 1e-6 * Math.Abs(a));
        Assert.Equal([1e10f, -1e5f], (1e40 / Of(1e30f, -1e35f)).ToArray(), (a, b) => Math.Abs(a - b) <= 1e-6 * Math.Abs(a));
        Assert.Equal([1e-15f], (1e-45 / Of(1e-30f)).ToArray(), (a, b) => Math.Abs(a - b) <= 1e-6 * Math.Abs(a));
        Assert.Equal([float.NaN, float.PositiveInfinity, float.NegativeInfinity], (Of(0, 2, -2) / 0).ToArray());
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void The_gradient_of_a_quotient_is_divided_too(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        var x = Tensor.From([1f, 2, 3], 3, device).RequireGradient();
        using var gradients = (x / 41.0).Backward(Tensor.From([41f, 82, 0], 3, device));
        Assert.Equal([1f, 2, 0], gradients[x].ToArray());
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_mean_is_the_sum_divided_by_the_count(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        // 3 is exact times every count here; a product with 1 / count is not.
        foreach (var n in (int[])[41, 47, 49, 55, 61, 82, 83, 94, 97, 98, 103, 107, 110])
        {
            Assert.Equal(3, Tensor.Full(n, 3, device: device).Mean().Item());
            Assert.All(Tensor.Full((n, 5), 3, device: device).Mean(0).ToArray(), v => Assert.Equal(3, v));
            var x = Tensor.Zeros(n, device: device).RequireGradient();
            using var gradients = x.Mean().Backward(Tensor.Full(new Shape(), n, device: device));
            Assert.All(gradients[x].ToArray(), v => Assert.Equal(1, v));
        }

        foreach (var side in (int[])[3, 5, 6, 7])
        {
            var image = Tensor.Full((1, side, side, 9), 3, device: device);
            Assert.All(image.GlobalAveragePool2d().ToArray(), v => Assert.Equal(3, v));
            Assert.All(image.AveragePool2d(side).ToArray(), v => Assert.Equal(3, v));
            Assert.All(image.AveragePool2d(3, 1, 1, countPadding: false).ToArray(), v => Assert.Equal(3, v));
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_weight_of_zero_takes_a_value_out(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        float[] values = [float.NaN, float.NegativeInfinity, float.PositiveInfinity, 2];
        var b = Tensor.From([.. values, .. values, .. values, .. values], 16, device);
        var a = Tensor.From([0f, 0, 0, 0, -0f, -0f, -0f, -0f, 1, 1, 1, 1, float.NaN, float.NaN, float.NaN, float.NaN], 16, device);
        Assert.Equal([0f, 0, 0, 0, 0, 0, 0, 0, .. values, float.NaN, float.NaN, float.NaN, float.NaN], Tensor.Weigh(a, b).ToArray());
    }
}
