using System.Globalization;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class ForgetAccuraciesTests
{
    [Fact]
    public void Harmonic_means_agree_with_every_row_of_the_papers_main_table()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Metrics", "data", "table1_main.csv"));
        var columns = lines[0].Split(',');
        var checks = 0;
        foreach (var line in lines[1..])
        {
            var cells = line.Split(',');
            foreach (var (forget, remain, mean) in new[]
            {
                ("D_f", "D_r", "HM"), ("D_ft", "D_rt", "HM_t"), ("KR_D_f", "KR_D_r", "KR_HM"), ("KR_D_ft", "KR_D_rt", "KR_HM_t"),
            })
            {
                // Printed values are rounded means of three trials, which moves the mean of the means by less than 0.10.
                var computed = ForgetAccuracies.Combine(Cell(cells, columns, forget), Cell(cells, columns, remain));
                Assert.True(
                    Math.Abs(computed!.Value - Cell(cells, columns, mean)) <= 0.10,
                    $"{cells[0]} {cells[1]} {mean}: printed {Cell(cells, columns, mean)}, computed {computed}");
                checks++;
            }
        }

        Assert.Equal(140, checks);
    }

    [Fact]
    public void Extremes()
    {
        Assert.Equal(0.0, ForgetAccuracies.Combine(100, 0));
        Assert.Equal(100.0, ForgetAccuracies.Combine(0, 100));
        Assert.Equal(0.0, ForgetAccuracies.Combine(100, 90));
    }

    [Fact]
    public void What_is_not_known_has_no_mean()
    {
        Assert.Null(ForgetAccuracies.Combine(null, 90));
        Assert.Null(ForgetAccuracies.Combine(10, null));
        var byIndex = new ForgetAccuracies(50, 90, null, 80);
        Assert.NotNull(byIndex.HarmonicMean);
        Assert.Null(byIndex.HarmonicMeanTest);
    }

    [Fact]
    public void Four_accuracies_of_given_predictions()
    {
        var train = new FeatureSplit(new float[4], 1, [0, 0, 1, 1], 2, FeatureSplit.MarkClasses([0, 0, 1, 1], 1));
        var test = new FeatureSplit(new float[3], 1, [0, 1, 0], 2, FeatureSplit.MarkClasses([0, 1, 0], 1));
        var data = new EvaluationData(train, test);
        Assert.Equal(new ForgetAccuracies(50, 100, 0, 50), ForgetAccuracies.Of(data, [0, 0, 1, 0], [0, 0, 1]));
        Assert.True(data.ForgetsWholeClasses);
        Assert.Null(data.Accuracies);
    }

    [Fact]
    public void A_request_of_single_images_leaves_the_whole_test_set_to_remain()
    {
        var train = new FeatureSplit(new float[4], 1, [0, 0, 1, 1], 2, FeatureSplit.MarkRows(4, [1, 2]));
        var test = new FeatureSplit(new float[2], 1, [0, 1], 2, new bool[2]);
        var data = new EvaluationData(train, test);
        Assert.Equal(new ForgetAccuracies(0, 50, null, 50), ForgetAccuracies.Of(data, [0, 1, 0, 0], [0, 0]));
        Assert.False(data.ForgetsWholeClasses);
    }

    private static double Cell(string[] cells, string[] columns, string name) =>
        double.Parse(cells[Array.IndexOf(columns, name)], CultureInfo.InvariantCulture);
}
