using EscNative.Bench.Measuring;

namespace EscNative.Tests.Bench;

public sealed class LatencyStatisticsTests
{
    [Fact]
    public void Quantiles_are_interpolated_as_in_numpy()
    {
        // numpy.percentile([1..10], [5, 50, 95]) = 1.45, 5.5, 9.55
        var s = LatencyStatistics.From([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        Assert.Equal(10, s.Count);
        Assert.Equal(1.45, s.P05, 12);
        Assert.Equal(5.5, s.Median, 12);
        Assert.Equal(9.55, s.P95, 12);
        Assert.Equal(1, s.Minimum);
        Assert.Equal(10, s.Maximum);
        Assert.Equal(2.5, s.Mad, 12);
    }

    [Fact]
    public void One_outlier_moves_neither_median_nor_noise()
    {
        var quiet = LatencyStatistics.From([5, 5, 5, 5, 5]);
        var noisy = LatencyStatistics.From([5, 5, 5, 5, 5000]);
        Assert.Equal(quiet.Median, noisy.Median);
        Assert.Equal(0, noisy.Mad);
        Assert.Equal(5000, noisy.Maximum);
    }

    [Fact]
    public void One_run_is_its_own_statistics() => Assert.Equal(new LatencyStatistics(1, 3, 3, 3, 3, 3, 0), LatencyStatistics.From([3]));

    [Fact]
    public void No_run_and_no_number_are_errors()
    {
        Assert.Throws<ArgumentException>(() => LatencyStatistics.From([]));
        Assert.Throws<ArgumentException>(() => LatencyStatistics.From([1, double.NaN]));
    }

    [Fact]
    public void Warm_up_ends_when_the_times_settle()
    {
        var settling = new WarmupRule(20, TimeSpan.FromSeconds(10));
        double[] times = [90, 50, 30, 22, 20, 20, 20, 20, 20, 20];
        var runs = 0;
        while (!settling.Add(times[runs++]))
            Assert.Null(settling.Reason);
        Assert.Equal(9, runs);
        Assert.Equal(9, settling.Runs);
        Assert.StartsWith("settled", settling.Reason);
    }

    [Fact]
    public void Warm_up_that_never_settles_ends_by_its_limits()
    {
        var byRuns = new WarmupRule(9, TimeSpan.FromHours(1));
        for (var i = 0; !byRuns.Add(Math.Pow(2, i)); i++)
            Assert.True(i < 9);
        Assert.Equal("limit of 9 runs", byRuns.Reason);

        var byTime = new WarmupRule(1000, TimeSpan.FromSeconds(1));
        Assert.False(byTime.Add(600));
        Assert.True(byTime.Add(600));
        Assert.Equal("time limit of 1 s", byTime.Reason);
    }
}
