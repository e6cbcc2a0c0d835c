using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

public sealed class LayerTests
{
    [Fact]
    public void Parameters_and_buffers_have_stable_dotted_names()
    {
        var random = new RandomSource(1);
        using var net = new Sequential(
            new Conv2d(3, 4, 3, random), new BatchNorm2d(4), new Relu(), new Sequential(new GlobalAveragePool2d(), new Linear(4, 2, random, bias: false)));
        Assert.Equal(["0.weight", "0.bias", "1.weight", "1.bias", "3.1.weight"], net.NamedParameters.Select(p => p.Name));
        Assert.Equal(["1.running_mean", "1.running_var"], net.NamedBuffers.Select(b => b.Name));
        Assert.Equal((4 * 27) + 4 + 8 + 8, net.ParameterCount);
        Assert.Equal(new Shape(4, 3, 3, 3), net.Parameters.First().Shape);
        Assert.All(net.Parameters, p => Assert.True(p.Value.RequiresGradient));
    }

    [Fact]
    public void Training_mode_reaches_every_child()
    {
        var norm = new BatchNorm2d(2);
        using var net = new Sequential(new Sequential(norm), new Relu());
        Assert.True(norm.Training);
        net.Training = false;
        Assert.False(norm.Training);
        net.Training = true;
        Assert.True(norm.Training);
    }

    // Made inside a scope, parameters still belong to their module.
    [Fact]
    public void A_module_outlives_the_scope_it_was_made_in()
    {
        Linear layer;
        using (Tensor.Scope())
            layer = new Linear(2, 2, new RandomSource(1));
        Assert.False(layer.Weight.Value.IsDisposed);
        layer.Dispose();
        Assert.True(layer.Weight.Value.IsDisposed);
        Assert.True(layer.Bias!.Value.IsDisposed);
    }

    [Fact]
    public void A_forward_pass_leaves_only_its_result()
    {
        var random = new RandomSource(1);
        using var net = new Sequential(new Conv2d(3, 4, 3, random, padding: 1), new BatchNorm2d(4), new Relu(), new GlobalAveragePool2d(), new Linear(4, 2, random));
        using var x = Tensor.Ones((2, 5, 5, 3));
        net.Training = false;
        using var noGrad = Tensor.NoGrad();
        var before = TestDevices.Current.Memory.LiveTensors;
        using (var y = net.Forward(x))
        {
            Assert.Equal(new Shape(2, 2), y.Shape);
            Assert.Equal(before + 1, TestDevices.Current.Memory.LiveTensors);
        }

        Assert.Equal(before, TestDevices.Current.Memory.LiveTensors);
    }

    [Fact]
    public void Starting_values_are_uniform_within_the_bound_and_follow_from_the_seed()
    {
        using var a = new Linear(100, 50, new RandomSource(7));
        using var b = new Linear(100, 50, new RandomSource(7));
        var values = a.Weight.Value.ToArray();
        Assert.Equal(values, b.Weight.Value.ToArray());
        Assert.All(values, v => Assert.InRange(v, -0.1f, 0.1f));
        // A uniform number has variance bound² / 3; the mean of 5,000 squares is within 6 % of it (5 standard deviations).
        Assert.Equal(0.01 / 3, values.Average(v => (double)v * v), 0.06 * 0.01 / 3);
        using var normal = Initialise.XavierNormal((200, 50), 50, 200, new RandomSource(7));
        Assert.Equal(2.0 / 250, normal.ToArray().Average(v => (double)v * v), 0.08 * 2 / 250);
    }

    [Fact]
    public void A_layer_with_and_without_bias_computes_the_same_as_its_operation()
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(2);
        using var conv = new Conv2d(2, 3, 3, random, stride: 2, padding: 1, bias: false);
        using var linear = new Linear(4, 2, random);
        using var norm = new LayerNorm(4);
        var image = Tensor.From(Enumerable.Range(0, 50).Select(i => (float)Math.Sin(i)).ToArray(), (1, 5, 5, 2));
        Assert.Null(conv.Bias);
        Assert.Equal(image.Conv2d(conv.Weight, null, 2, 1).ToArray(), conv.Forward(image).ToArray());
        var rows = image.Reshape(-1).Slice(0, 0, 48).Reshape(12, 4);
        Assert.Equal(rows.Linear(linear.Weight, linear.Bias!.Value).ToArray(), linear.Forward(rows).ToArray());
        Assert.Equal(rows.LayerNorm(norm.Weight, norm.Bias).ToArray(), norm.Forward(rows).ToArray());
    }

    // Winograd's rounding shows that it was used: a plain sum has other bits.
    [Fact]
    public void A_convolution_takes_the_fast_algorithm_only_where_training_is_recorded()
    {
        Assert.SkipUnless(TestDevices.Current == Device.Cpu, "other devices have one algorithm");
        using var scope = Tensor.Scope();
        var random = new RandomSource(4);
        using var conv = new Conv2d(32, 32, 3, random, padding: 1);
        var values = new float[4 * 12 * 12 * 32];
        random.FillNormal(values);
        var x = Tensor.From(values, (4, 12, 12, 32));
        var (weight, bias) = (conv.Weight.Value, conv.Bias!.Value);
        var plain = x.Conv2d(weight, bias, padding: 1).ToArray();
        var fast = x.Conv2d(weight, bias, padding: 1, fast: true).ToArray();
        Assert.NotEqual(plain, fast);
        // 288 products of about 1 x 0.03; ten times the rounding of their sum.
        Assert.All(plain.Zip(fast), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Equal(fast, conv.Forward(x).ToArray());
        using (Tensor.NoGrad())
            Assert.Equal(plain, conv.Forward(x).ToArray());
        conv.Training = false;
        Assert.Equal(plain, conv.Forward(x).ToArray());
    }

    [Fact]
    public void Batch_norm_tracks_statistics_only_in_training()
    {
        using var scope = Tensor.Scope();
        using var norm = new BatchNorm2d(1, momentum: 0.5);
        var x = Tensor.From([1f, 2, 3, 6], (4, 1));
        _ = norm.Forward(x);
        // Mean 3, variance 14 / 4 biased, 14 / 3 unbiased.
        Assert.Equal(1.5, norm.RunningMean.Item(), 1e-6);
        Assert.Equal((0.5 * 1) + (0.5 * 14 / 3), norm.RunningVariance.Item(), 1e-6);
        Assert.Equal(1, norm.BatchesTracked);
        norm.Training = false;
        var (mean, variance) = (norm.RunningMean.Item(), norm.RunningVariance.Item());
        var y = norm.Forward(x).ToArray();
        Assert.Equal(1, norm.BatchesTracked);
        Assert.Equal((mean, variance), (norm.RunningMean.Item(), norm.RunningVariance.Item()));
        Assert.Equal((6 - mean) / Math.Sqrt(variance + 1e-5), y[3], 1e-6);
        // A gradient is asked of scale and shift only: the running statistics are no leaves.
        norm.Training = true;
        using var gradients = norm.Forward(x).Sum().Backward();
        Assert.Equal(2, gradients.Count);
        Assert.False(norm.RunningMean.RequiresGradient);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_sequence_runs_batch_norm_and_ReLU_as_one_and_gives_what_they_give(bool training)
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(3);
        using var norm = new BatchNorm2d(5);
        using var other = new BatchNorm2d(5);
        using var net = new Sequential(norm, new Relu(), new BatchNorm2d(5));
        var values = new float[2 * 3 * 3 * 5];
        random.FillNormal(values);
        var x = Tensor.From(values, (2, 3, 3, 5)).RequireGradient();
        (net.Training, other.Training) = (training, training);
        var y = other.Forward(x).Relu();
        var wanted = net.Children[2].Child.Forward(y);
        var got = net.Forward(x);
        Assert.Equal(wanted.ToArray(), got.ToArray());
        Assert.Equal(other.RunningMean.ToArray(), norm.RunningMean.ToArray());
        Assert.Equal(other.RunningVariance.ToArray(), norm.RunningVariance.ToArray());
        var seed = Tensor.From(values, (2, 3, 3, 5));
        using var wantedGradients = wanted.Backward(seed);
        using var gradients = got.Backward(seed);
        Assert.Equal(wantedGradients[x].ToArray(), gradients[x].ToArray());
        Assert.Equal(wantedGradients[other.Weight].ToArray(), gradients[norm.Weight].ToArray());
        Assert.Equal(wantedGradients[other.Bias].ToArray(), gradients[norm.Bias].ToArray());
    }

    [Fact]
    public void Batch_norm_of_one_row_is_refused_in_training_and_taken_in_evaluation()
    {
        using var scope = Tensor.Scope();
        using var norm = new BatchNorm2d(2);
        norm.Bias.Value.CopyFrom<float>([3, -1]);
        // One value would become its shift whatever it is; PyTorch refuses it too.
        Assert.Throws<ShapeException>(() => norm.Forward(Tensor.From([5f, 7], (1, 2))));
        Assert.Equal([1f, 1], norm.RunningVariance.ToArray());
        norm.Training = false;
        Assert.Equal([8f, 6], norm.Forward(Tensor.From([5f, 7], (1, 2))).ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
    }
}
