using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class StrongProbeTests
{
    [Fact]
    public void Recovers_a_class_that_the_published_probe_misses()
    {
        // The example of the reference: ten separable classes, non-negative features of small scale, ESC with k = 1.
        var seed = Synthetic.FreshSeed();
        var original = Synthetic.Map(Synthetic.Data(2000, 500, 96, 10, 0.7f, seed, 4), f => Array.ConvertAll(f, v => 0.3f * v));
        var erased = Synthetic.EraseMainDirection(original);
        var weak = SgdProbe.Run(erased).Accuracies;
        var strong = StrongProbe.Run(erased).Best.Accuracies;
        Assert.True(weak.ForgetTest < 60, $"seed {seed}: {weak}");
        Assert.True(strong.ForgetTest > 95, $"seed {seed}: {strong}");
        Assert.True(strong.RemainTest > 95, $"seed {seed}: {strong}");
    }

    [Fact]
    public void The_sweep_is_complete_and_the_winner_recovers_most_of_the_forgotten_rows()
    {
        var data = Synthetic.Data(400, 100, 8, 4, 3, 21, 1);
        var options = new StrongProbeOptions { L2 = [1e-4, 1e-1, 1e-2], SgdLearningRates = [0.1, 0.01], SgdEpochs = 5 };
        var result = StrongProbe.Run(data, options);
        Assert.Equal(
            ["L-BFGS, L2 1E-1", "L-BFGS, L2 1E-2", "L-BFGS, L2 1E-4"], result.Sweep.Take(3).Select(p => p.Setting));
        Assert.All(result.Sweep.Skip(3), p => Assert.Contains("momentum 0.9, 5 epochs, batch 64, standardised", p.Setting, StringComparison.Ordinal));
        Assert.Equal(5, result.Sweep.Count);
        Assert.All(result.Sweep.Take(3), p => Assert.True(p.Converged && p.GradientNorm < 1e-5));
        Assert.Equal(result.Sweep.Max(p => p.Accuracies.Forget), result.Best.Accuracies.Forget);
        // A weaker penalty can only lower the cross-entropy that is penalised less.
        Assert.Equal(result.Sweep.Take(3).Select(p => p.Loss).OrderDescending(), result.Sweep.Take(3).Select(p => p.Loss));
    }

    [Fact]
    public void A_fit_that_does_not_converge_says_so()
    {
        var data = Synthetic.Data(400, 100, 8, 4, 3, 22, 1);
        var probe = StrongProbe.Run(data, new StrongProbeOptions { L2 = [1e-6], MaxIterations = 2 }).Best;
        Assert.Equal((2, false), (probe.Iterations, probe.Converged));
        Assert.EndsWith("not converged", probe.Setting, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 4)]
    public void One_class_or_one_column_is_no_special_case(int classes, int width)
    {
        var data = Synthetic.Data(40, 12, width, classes, 0.5f, 23, 0);
        var accuracies = StrongProbe.Run(data).Best.Accuracies;
        Assert.NotNull(accuracies.Forget);
        if (classes == 1)
            Assert.Equal(new ForgetAccuracies(100, null, 100, null), accuracies);
    }

    [Fact]
    public void Constant_features_leave_only_the_most_frequent_class()
    {
        int[] labels = [0, 1, 1, 1, 2];
        var split = new FeatureSplit([2, 2, 2, 2, 2, 2, 2, 2, 2, 2], 2, labels, 3, FeatureSplit.MarkClasses(labels, 0));
        Assert.Equal(new ForgetAccuracies(0, 75, 0, 75), StrongProbe.Run(new EvaluationData(split, split)).Best.Accuracies);
    }

    [Fact]
    public void A_request_without_rows_has_no_forgetting_accuracy()
    {
        var accuracies = StrongProbe.Run(Synthetic.Data(60, 20, 3, 3, 0.5f, 24)).Best.Accuracies;
        Assert.Null(accuracies.Forget);
        Assert.Null(accuracies.ForgetTest);
        Assert.NotNull(accuracies.RemainTest);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        var data = Synthetic.Data(10, 4, 2, 2, 1, 1, 0);
        foreach (var options in new StrongProbeOptions[]
        {
            new() { L2 = [] }, new() { L2 = [-1e-3] }, new() { L2 = [double.NaN] }, new() { GradientTolerance = 0 }, new() { MaxIterations = 0 },
        })
        {
            Assert.Throws<UsageException>(() => StrongProbe.Run(data, options));
        }
    }
}
