using EscNative.Kernels;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

/// <summary>
/// What a probe learns, it learns from the training rows: test rows of quite another distribution, with wrong labels, change nothing of it,
/// and each of them is judged as if it were alone.
/// </summary>
public sealed class TrainingDataOnlyTests
{
    private const int Width = 5, Classes = 3;

    [Fact]
    public void The_published_probe() => Same(data => Of(SgdProbe.Run(data, new SgdProbeOptions { Standardise = true, LearningRate = 0.05, Epochs = 3 })));

    [Fact]
    public void The_strong_probe() => Same(data =>
    {
        var result = StrongProbe.Run(data, new StrongProbeOptions { L2 = [1e-2, 1e-3], SgdLearningRates = [0.05], SgdEpochs = 2, MaxIterations = 60 });
        return result.Sweep.Select(Of).Aggregate((a, b) => (a.Train.Concat(b.Train).ToArray(), a.Test.Concat(b.Test).ToArray()));
    });

    [Fact]
    public void The_MLP_probe() => Same(data =>
    {
        var result = MlpProbe.Run(data, new MlpProbeOptions { Hidden = 8, Epochs = 3, Batch = 16 });
        return ([result.Loss, result.Accuracies.Forget, result.Accuracies.Remain], [result.Accuracies.ForgetTest, result.Accuracies.RemainTest]);
    });

    [Fact]
    public void The_nearest_neighbours() => Same(data =>
    {
        var result = NearestNeighbours.Run(data, new NeighbourOptions { Neighbours = 3 });
        return ([result.Neighbours], [result.ForgetTest, result.RemainTest]);
    });

    [Fact]
    public void The_binary_probe()
    {
        // The area is no mean over rows: the fit, and its order of two rows, have to do.
        var (train, test) = (Train(1), Test(2));
        var whole = BinaryProbe.Run(new EvaluationData(train, test));
        var own = BinaryProbe.Run(new EvaluationData(train, Train(1)));
        Assert.Equal((own.Iterations, own.GradientNorm), (whole.Iterations, whole.GradientNorm));
        int[] forgotten = test.RowsOf(forgotten: true), remaining = test.RowsOf(forgotten: false);
        var pairs = new List<double>();
        foreach (var f in forgotten)
            pairs.AddRange(remaining.Select(r => BinaryProbe.Run(new EvaluationData(train, Rows(test, f, r))).Auc!.Value));
        Assert.InRange(pairs.Average(), 1e-3, 1 - 1e-3);
        Assert.Equal(pairs.Average(), whole.Auc!.Value, 1e-12);
    }

    [Fact]
    public void Who_is_asked_about_does_not_teach_the_membership_attackers()
    {
        var (train, test) = (Train(3), Test(4));
        var asked = train.RowsOf(forgotten: true);
        int[] others = train.RowsOf(forgotten: false);
        var options = new MemberShareOptions { Rows = 12 };
        var whole = MemberShareAttack.Run(new EvaluationData(train, test), options);
        Assert.Equal(6, whole.Count);
        var alone = asked.Select(row => MemberShareAttack.Run(new EvaluationData(Rows(train, [.. others, row]), test), options)).ToArray();
        for (var a = 0; a < whole.Count; a++)
            Assert.True(Math.Abs(alone.Average(shares => shares[a].Percent) - whole[a].Percent) < 1e-9, whole[a].Attack);
        Assert.Contains(whole, share => share.Percent is > 0 and < 100);
    }

    [Fact]
    public void The_loss_attack_is_tested_on_rows_that_it_has_not_seen()
    {
        // One giant loss turns the slope round wherever it is among the rows that are fitted.
        double[] members = [1, 2, 1, 2, 1, 2, 1, 2, 1, 500], others = [3, 4, 3, 4, 3, 4, 3, 4, 3, 4];
        var options = new LossAttackOptions { Splits = 6, TestShare = 0.3, Seed = 5 };
        var result = LossAttack.Run(members, others, options);
        double[] losses = [.. members, .. others];
        var isMember = Enumerable.Range(0, 20).Select(i => i < 10).ToArray();
        var random = new RandomSource(options.Seed, MetricStreams.LossFolds);
        var (wanted, seen) = (new double[6], new double[6]);
        var whole = BinaryLogistic.Fit(losses, 1, isMember);
        for (var s = 0; s < 6; s++)
        {
            var (first, second) = (random.Permutation(10), random.Permutation(10));
            int[] test = [.. first[..3], .. second[..3].Select(i => 10 + i)], train = [.. first[3..], .. second[3..].Select(i => 10 + i)];
            var fit = BinaryLogistic.Fit(Array.ConvertAll(train, i => losses[i]), 1, Array.ConvertAll(train, i => isMember[i]));
            wanted[s] = 100.0 * test.Count(i => fit.Decision([losses[i]]) > 0 == isMember[i]) / 6;
            seen[s] = 100.0 * test.Count(i => whole.Decision([losses[i]]) > 0 == isMember[i]) / 6;
        }

        Assert.NotEqual(wanted, seen);
        Assert.Equal(wanted, result.Splits);
    }

    [Fact]
    public void A_model_is_judged_by_worlds_that_it_is_not_part_of()
    {
        var random = new Random(6);
        const int models = 8, images = 3;
        var answers = Enumerable.Range(0, models).Select(_ => Enumerable.Range(0, images).Select(_ => random.NextDouble() * 4).ToArray()).ToArray();
        var forgot = Enumerable.Range(0, models).Select(s => Enumerable.Range(0, images).Select(x => (s + x) % 2 == 0).ToArray()).ToArray();
        var ratios = ULiraStatistics.Ratios(answers, forgot, ownVarianceFrom: 2);
        for (var s = 0; s < models; s++)
        {
            for (var x = 0; x < images; x++)
            {
                // Of the other world the next model is left out, so that both are as large.
                double Density(bool world)
                {
                    var left = s;
                    while (forgot[left][x] != world)
                        left = (left + 1) % models;
                    var values = Enumerable.Range(0, models).Where(m => m != left && forgot[m][x] == world).Select(m => answers[m][x]).ToArray();
                    var mean = values.Average();
                    var variance = Math.Max(1e-6, values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
                    return (-0.5 * (answers[s][x] - mean) * (answers[s][x] - mean) / variance) - (0.5 * Math.Log(2 * Math.PI * variance));
                }

                Assert.Equal(Density(true) - Density(false), ratios[s][x], 1e-9);
            }
        }
    }

    private static (double?[] Train, double?[] Test) Of(ProbeResult probe) => (
        [probe.Loss, probe.Accuracies.Forget, probe.Accuracies.Remain, .. probe.Head.Scores(Train(1)).Select(v => (double?)v)],
        [probe.Accuracies.ForgetTest, probe.Accuracies.RemainTest]);

    // run gives what it learned, and the test accuracies on forgotten and on other rows.
    private static void Same(Func<EvaluationData, (double?[] Train, double?[] Test)> run)
    {
        var (train, test) = (Train(1), Test(2));
        var whole = run(new EvaluationData(train, test));
        Assert.Equal(run(new EvaluationData(train, Train(1))).Train, whole.Train);
        Assert.Equal(run(new EvaluationData(train, Test(7))).Train, whole.Train);
        var sides = whole.Test.Length / 2;
        var alone = Enumerable.Range(0, test.Rows).Select(row => run(new EvaluationData(train, Rows(test, row))).Test).ToArray();
        for (var i = 0; i < whole.Test.Length; i++)
        {
            var rows = test.RowsOf(forgotten: i % 2 == 0);
            Assert.Equal(rows.Average(row => alone[row][i]!.Value), whole.Test[i]!.Value, 1e-9);
        }

        Assert.True(sides > 0 && whole.Test.Any(a => a is > 0 and < 100), "every row is judged alike: the test would see nothing");
    }

    private static FeatureSplit Train(ulong seed) => Draw(48, seed, scale: 1, shift: 0, turn: 0);

    // Elsewhere, of another size, and with the labels turned round.
    private static FeatureSplit Test(ulong seed) => Draw(24, seed, scale: 3, shift: 1.5f, turn: 1);

    private static FeatureSplit Draw(int rows, ulong seed, float scale, float shift, int turn)
    {
        var features = new float[rows * Width];
        new RandomSource(seed).FillNormal(features);
        var (labels, logits) = (new int[rows], new float[rows * Classes]);
        new RandomSource(seed, stream: 1).FillNormal(logits);
        for (var row = 0; row < rows; row++)
        {
            var group = row % Classes;
            labels[row] = (group + turn) % Classes;
            for (var j = 0; j < Width; j++)
                features[(row * Width) + j] = (scale * (features[(row * Width) + j] + (j % Classes == group ? 1.5f : 0))) + (j == 0 ? 4 * shift : shift);
            logits[(row * Classes) + labels[row]] += 2 * scale;
        }

        var marks = Enumerable.Range(0, rows).Select(row => row % 4 == 0 || labels[row] == 0).ToArray();
        return new FeatureSplit(features, Width, labels, Classes, marks, logits);
    }

    private static FeatureSplit Rows(FeatureSplit split, params int[] rows) => new(
        [.. rows.SelectMany(row => split.Row(row).ToArray())], Width, [.. rows.Select(row => split.Labels[row])], Classes,
        [.. rows.Select(row => split.Forgotten[row])], split.LogitsOf(rows));
}
