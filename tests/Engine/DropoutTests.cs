using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

public sealed class DropoutTests
{
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void The_share_of_zeros_is_p_and_the_rest_is_scaled(double p)
    {
        const int N = 200_000;
        using var x = Tensor.Ones(N);
        using var y = x.Dropout(p, seed: 5);
        var values = y.ToArray();
        var zeros = values.Count(v => v == 0);
        // Five standard deviations of a binomial count.
        Assert.InRange(zeros, (N * p) - (5 * Math.Sqrt(N * p * (1 - p))), (N * p) + (5 * Math.Sqrt(N * p * (1 - p))));
        var scale = (float)(1 / (1 - p));
        Assert.All(values, v => Assert.True(v == 0 || Math.Abs(v - scale) <= scale * 1.2e-7));
    }

    [Fact]
    public void One_seed_gives_one_mask_and_streams_and_offsets_differ()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Ones(1000);
        var mask = x.Dropout(0.5, 1, 2, 3).ToArray();
        Assert.Equal(mask, x.Dropout(0.5, 1, 2, 3).ToArray());
        Assert.NotEqual(mask, x.Dropout(0.5, 2, 2, 3).ToArray());
        Assert.NotEqual(mask, x.Dropout(0.5, 1, 3, 3).ToArray());
        // An offset moves along the stream: the same mask, shifted.
        Assert.Equal(mask[5..], x.Dropout(0.5, 1, 2, 8).ToArray()[..995]);
    }

    [Fact]
    public void The_gradient_passes_where_the_value_passed()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Ones((30, 7)).RequireGradient();
        var y = x.Dropout(0.4, 9);
        using var gradients = y.Sum().Backward();
        Assert.Equal(y.ToArray(), gradients[x].ToArray());
    }

    [Fact]
    public void The_layer_draws_new_numbers_each_pass_and_rests_in_evaluation()
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(3, 1);
        using var layer = new Dropout(0.5, random);
        var x = Tensor.Ones(256);
        var (first, second) = (layer.Forward(x).ToArray(), layer.Forward(x).ToArray());
        Assert.NotEqual(first, second);
        Assert.Equal(512UL, random.Position);
        random.Position = 0;
        Assert.Equal(first, layer.Forward(x).ToArray());
        layer.Training = false;
        using (var same = layer.Forward(x))
            Assert.Equal(x.ToArray(), same.ToArray());
        Assert.False(x.IsDisposed);
        Assert.Equal(256UL, random.Position);
    }
}
