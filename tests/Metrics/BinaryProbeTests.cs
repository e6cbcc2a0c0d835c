using EscNative.Kernels;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class BinaryProbeTests
{
    [Fact]
    public void Separable_classes_have_area_one()
    {
        var seed = Synthetic.FreshSeed();
        var result = BinaryProbe.Run(Synthetic.Data(600, 200, 32, 5, 0.3f, seed, 2));
        Assert.True(result.Auc == 1, $"seed {seed}: {result}");
        Assert.Equal((40, 160), (result.Positives, result.Negatives));
    }

    [Fact]
    public void Noise_has_area_one_half()
    {
        var seed = Synthetic.FreshSeed();
        var random = new RandomSource(seed);
        var result = BinaryProbe.Run(new EvaluationData(Noise(2000), Noise(2000)));
        // 4 standard errors of 1 / sqrt(12 m), m = 400 positives.
        Assert.True(Math.Abs(result.Auc!.Value - 0.5) < 4 / Math.Sqrt(12 * 400), $"seed {seed}: {result}");
        FeatureSplit Noise(int rows)
        {
            var features = new float[rows * 4];
            random.FillNormal(features);
            var labels = Enumerable.Range(0, rows).Select(r => r % 5).ToArray();
            return new FeatureSplit(features, 4, labels, 5, FeatureSplit.MarkClasses(labels, 0));
        }
    }

    [Fact]
    public void In_one_column_the_area_is_that_of_the_column()
    {
        // A linear score of one column orders rows as the column does, up to its sign.
        var data = Synthetic.Data(200, 60, 1, 2, 2, 31, 1);
        var column = RankAuc.Of(Array.ConvertAll(data.Test.Features, v => (double)v), data.Test.Forgotten)!.Value;
        var area = BinaryProbe.Run(data).Auc!.Value;
        Assert.Equal(Math.Max(column, 1 - column), Math.Max(area, 1 - area), 1e-15);
    }

    [Fact]
    public void A_side_that_is_empty_has_no_area()
    {
        Assert.Null(BinaryProbe.Run(Synthetic.Data(30, 10, 3, 2, 1, 1)).Auc);
        Assert.Null(BinaryProbe.Run(Synthetic.Data(30, 10, 3, 2, 1, 1, 0, 1)).Auc);
        var byIndex = new FeatureSplit(new float[4], 1, [0, 1, 0, 1], 2, FeatureSplit.MarkRows(4, [0]));
        var test = new FeatureSplit(new float[2], 1, [0, 1], 2, new bool[2]);
        Assert.Null(BinaryProbe.Run(new EvaluationData(byIndex, test)).Auc);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused() =>
        Assert.Throws<UsageException>(() => BinaryProbe.Run(Synthetic.Data(10, 4, 2, 2, 1, 1, 0), new BinaryProbeOptions { L2 = -1 }));
}
