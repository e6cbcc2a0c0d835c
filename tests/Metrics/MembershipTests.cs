using EscNative.Kernels;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class MembershipTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    public void Signals_are_those_of_the_definitions(int classes)
    {
        var seed = Synthetic.FreshSeed();
        var logits = new float[20 * classes];
        new RandomSource(seed).FillNormal(logits);
        var labels = Enumerable.Range(0, 20).Select(i => i % classes).ToArray();
        var signals = MembershipSignals.Of(new FeatureSplit(new float[20], 1, labels, classes, new bool[20], logits), [.. Enumerable.Range(0, 20)]);
        for (var row = 0; row < 20; row++)
        {
            var e = Enumerable.Range(0, classes).Select(c => Math.Exp(logits[(row * classes) + c])).ToArray();
            var p = e.Select(v => v / e.Sum()).ToArray();
            var y = labels[row];
            var modified = -(1 - p[y]) * Math.Log(p[y]);
            for (var c = 0; c < classes; c++)
                modified -= c == y ? 0 : p[c] * Math.Log(1 - p[c]);
            Assert.Equal(-Math.Log(p[y]), signals.Loss[row], 1e-12);
            Assert.Equal(p[y], signals.Confidence[row], 1e-12);
            Assert.Equal(-p.Sum(v => v * Math.Log(v)), signals.Entropy[row], 1e-12);
            Assert.Equal(modified, signals.ModifiedEntropy[row], 1e-12);
            Assert.Equal(Array.IndexOf(p, p.Max()) == y ? 1.0 : 0.0, signals.Correct[row]);
            Assert.Equal(p[^1], signals.Probabilities[(row * classes) + classes - 1], 1e-12);
        }
    }

    [Fact]
    public void Certain_models_give_finite_signals()
    {
        float[] logits = [1000, -1000, 0, -1000, 1000, 0, float.MaxValue, 0, 0];
        var signals = MembershipSignals.Of(new FeatureSplit(new float[3], 1, [0, 0, 0], 3, new bool[3], logits), [0, 1, 2]);
        Assert.Equal([0, 2000, 0], signals.Loss);
        Assert.Equal([0, 0, 0], signals.Entropy);
        Assert.All(signals.ModifiedEntropy, v => Assert.True(double.IsFinite(v) && v >= 0, $"{v}"));
        Assert.Equal(0, signals.ModifiedEntropy[0]);
        Assert.True(signals.ModifiedEntropy[1] > 1000);
    }

    [Fact]
    public void The_rate_of_true_positives_is_the_best_of_all_thresholds()
    {
        var seed = Synthetic.FreshSeed();
        var random = new RandomSource(seed);
        for (var trial = 0; trial < 50; trial++)
        {
            // Few values, so many ties.
            var positives = Enumerable.Range(0, 30).Select(_ => (double)random.NextInt(12)).ToArray();
            var negatives = Enumerable.Range(0, 40).Select(_ => (double)random.NextInt(10)).ToArray();
            foreach (var allowed in new[] { 0, 0.01, 0.2, 1 })
            {
                var best = Enumerable.Range(0, 14).Where(t => negatives.Count(v => v >= t) <= allowed * 40).Max(t => positives.Count(v => v >= t));
                var found = new RocCurve(positives, negatives).TruePositives(allowed)!.Value;
                Assert.True(Math.Abs((100.0 * best / 30) - found) < 1e-9, $"seed {seed}: {found} at {allowed}, brute force {100.0 * best / 30}");
            }
        }

        Assert.Null(new RocCurve([], [1]).TruePositives(0.1));
    }

    [Fact]
    public void Members_with_small_losses_are_found_and_equal_ones_are_not()
    {
        var seed = Synthetic.FreshSeed();
        foreach (var result in ThresholdAttack.Run(Confident(seed, forget: 8, remain: 8, test: -4)))
        {
            Assert.True(result.Auc > 0.99 && result.TruePositives > 95, $"seed {seed}: {result}");
            Assert.True(result.Interval!.Value.Low > 80, $"seed {seed}: {result}");
            Assert.Equal((100, 100), (result.Members, result.NonMembers));
        }

        foreach (var result in ThresholdAttack.Run(Confident(seed, forget: 1, remain: 1, test: 1)))
        {
            // 4 standard errors of an area over 100 + 100 rows.
            Assert.True(Math.Abs(result.Auc!.Value - 0.5) < 4 * Math.Sqrt(201.0 / (12 * 10000)), $"seed {seed}: {result}");
            Assert.True(result.Interval!.Value.Low <= result.TruePositives && result.TruePositives <= result.Interval.Value.High, $"seed {seed}: {result}");
        }
    }

    [Fact]
    public void Forgotten_rows_like_training_rows_are_taken_for_members_and_rows_like_test_rows_are_not()
    {
        var seed = Synthetic.FreshSeed();
        var options = new MemberShareOptions { Rows = 200 };
        var remembered = MemberShareAttack.Run(Confident(seed, forget: 8, remain: 8, test: -4), options);
        var forgotten = MemberShareAttack.Run(Confident(seed, forget: -4, remain: 8, test: -4), options);
        Assert.Equal(
            ["entropy, logistic regression", "SVC correctness", "SVC confidence", "SVC entropy", "SVC modified entropy", "SVC probabilities"],
            remembered.Select(s => s.Attack));
        // Whoever sees all probabilities has never seen a member of the forgotten class, and test images that were mistaken for it.
        Assert.All(remembered.SkipLast(1), s => Assert.True(s.Percent >= 90, $"seed {seed}: {s}"));
        Assert.All(forgotten, s => Assert.True(s.Percent <= 35, $"seed {seed}: {s}"));
        Assert.Equal("C 3, 200 + 200 rows", remembered[^1].Setting);
        Assert.Equal(remembered, MemberShareAttack.Run(Confident(seed, forget: 8, remain: 8, test: -4), options));
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var data = Confident(1, 1, 1, 1);
        Assert.Throws<UsageException>(() => MemberShareAttack.Run(data, new MemberShareOptions { Rows = 0 }));
        Assert.Throws<UsageException>(() => MemberShareAttack.Run(data, new MemberShareOptions { C = 0 }));
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => MemberShareAttack.Run(data, cancel: cancel.Token));
        Assert.Empty(MemberShareAttack.Run(new EvaluationData(
            new FeatureSplit([1], 1, [0], 2, [false], [0, 0]), new FeatureSplit([1], 1, [0], 2, [false], [0, 0]))));
    }

    // Four classes, 1 is forgotten; normal logits, and a margin for the true class that differs by group.
    private static EvaluationData Confident(ulong seed, float forget, float remain, float test)
    {
        return new EvaluationData(Split(1, label => label == 1 ? forget : remain), Split(2, _ => test));
        FeatureSplit Split(ulong stream, Func<int, float> margin)
        {
            var logits = new float[400 * 4];
            new RandomSource(seed, stream).FillNormal(logits);
            var labels = Enumerable.Range(0, 400).Select(i => i % 4).ToArray();
            for (var row = 0; row < 400; row++)
                logits[(row * 4) + labels[row]] += margin(labels[row]);
            return new FeatureSplit(new float[400], 1, labels, 4, FeatureSplit.MarkClasses(labels, 1), logits);
        }
    }
}
