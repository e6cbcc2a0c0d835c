using EscNative.Kernels;
using EscNative.Unlearning;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class MlpProbeTests
{
    [Fact]
    public void It_finds_what_no_linear_probe_can()
    {
        var seed = Synthetic.FreshSeed();
        var data = new EvaluationData(Crossed(600, 1), Crossed(200, 2));
        var mlp = MlpProbe.Run(data, new MlpProbeOptions { Hidden = 16, Epochs = 30, Batch = 32 });
        var linear = StrongProbe.Run(data, new StrongProbeOptions { L2 = [1e-3] }).Best;
        Assert.True(mlp.Accuracies is { Forget: > 95, Remain: > 95, ForgetTest: > 90, RemainTest: > 90 }, $"seed {seed}: {mlp}");
        // A line gets at most three of the four quarters right: 100 and 50 % of the classes, and a little by the draw.
        Assert.True(linear.Accuracies.Forget + linear.Accuracies.Remain < 165, $"seed {seed}: {linear.Accuracies}");

        // Exclusive or of the signs: class 1 lies in two opposite quarters.
        FeatureSplit Crossed(int rows, ulong stream)
        {
            var features = new float[rows * 2];
            new RandomSource(seed, stream).FillNormal(features);
            for (var i = 0; i < features.Length; i++)
                features[i] += 0.5f * MathF.Sign(features[i]);
            var labels = Enumerable.Range(0, rows).Select(r => features[2 * r] > 0 == features[(2 * r) + 1] > 0 ? 1 : 0).ToArray();
            return new FeatureSplit(features, 2, labels, 2, FeatureSplit.MarkClasses(labels, 1));
        }
    }

    [Fact]
    public void Equal_seeds_give_equal_probes_and_a_divergence_is_told()
    {
        var data = Synthetic.Data(100, 30, 6, 3, 2, 12, 1);
        var options = new MlpProbeOptions { Hidden = 8, Epochs = 2, Batch = 16 };
        Assert.Equal(MlpProbe.Run(data, options), MlpProbe.Run(data, options));
        Assert.NotEqual(MlpProbe.Run(data, options).Loss, MlpProbe.Run(data, options with { Seed = 1 }).Loss);
        var diverged = MlpProbe.Run(data, options with { LearningRate = 1e18, Epochs = 5 });
        Assert.Null(diverged.Accuracies.Forget);
        Assert.EndsWith("diverged", diverged.Setting, StringComparison.Ordinal);
    }

    [Fact]
    public void It_can_be_cancelled_and_refuses_what_makes_no_sense()
    {
        var data = Synthetic.Data(40, 8, 3, 2, 1, 13, 1);
        using var cancel = new CancellationTokenSource();
        var stop = new SynchronousProgress<double>(_ => cancel.Cancel());
        Assert.Throws<OperationCanceledException>(() => MlpProbe.Run(data, progress: stop, cancel: cancel.Token));
        Assert.Throws<UsageException>(() => MlpProbe.Run(data, new MlpProbeOptions { Hidden = 0 }));
        Assert.Throws<UsageException>(() => MlpProbe.Run(data, new MlpProbeOptions { LearningRate = double.NaN }));
    }
}
