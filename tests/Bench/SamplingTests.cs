using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench;

/// <summary>Medians, and what the shares of the stages are shares of.</summary>
public sealed class SamplingTests
{
    [Theory]
    [InlineData(3, 3.0)]
    [InlineData(2, 1.0, 3.0)]
    [InlineData(2, 9.0, 1.0, 2.0)]
    [InlineData(3, 9.0, 1.0, 4.0, 2.0)]
    [InlineData(3.5, 10.0, 3.0, 4.0, 1.0, 2.0, 50.0)]
    [InlineData(double.NaN, 1.0, double.NaN, 3.0)]
    public void The_median_of_an_even_count_lies_between_the_middle_two(double wanted, params double[] values)
    {
        Assert.Equal(wanted, Sampling.Median(values));
        Assert.Equal(wanted, Sampling.Median(values.Reverse()));
        if (!double.IsNaN(wanted))
            Assert.Equal(wanted, LatencyStatistics.From(values).Median);
    }

    [Fact]
    public void The_median_of_timed_calls_is_that_of_their_own_seconds()
    {
        var times = new Queue<double>([8, 1, 2, 5]);
        Assert.Equal(3.5, Sampling.MedianSeconds(times.Dequeue, seconds: 0, least: 4));
        Assert.Empty(times);
    }

    [Fact]
    public void A_long_call_is_repeated_no_more_than_its_measurement_may_take()
    {
        var calls = 0;
        Assert.Equal(7, Sampling.MedianSeconds(() => Seven(0), seconds: 0, least: 3, longest: 0));
        Assert.Equal(1, calls);
        Sampling.MedianSeconds(() => Seven(40), seconds: 0.01, least: 3, longest: 0.03);
        Assert.Equal(2, calls);

        double Seven(int milliseconds)
        {
            Thread.Sleep(milliseconds);
            calls++;
            return 7;
        }
    }

    [Fact]
    public void Shares_are_of_the_profile_s_total_and_add_up()
    {
        // The request without borders takes half as long, the cold one ten times.
        ProfiledRun Run(double scale) => new(
            100 * scale, [new("load", 0.010 * scale, 0, 0), new("forward", 0.060 * scale, 0, 0), new("solve", 0.030 * scale, 0, 0)]);
        var result = LatencyResult.From(new RequestTiming(Run(10), 3, "settled", [Run(1), Run(3), Run(2), Run(1)], [50, 60, 40, 50], 0), null, null);
        Assert.Equal([10, 60, 30], result.Stages.Select(s => Math.Round(s.SharePercent, 9)));
        Assert.Equal(100, result.Stages.Sum(s => s.SharePercent), 1e-9);
        // Of an even count of runs.
        Assert.Equal(150, result.Profile.Median, 1e-9);
        Assert.Equal([15, 90, 45], result.Stages.Select(s => Math.Round(s.Time.Median, 9)));
        Assert.Equal(50, result.Request.Median);
        Assert.Equal(200, result.DifferencePercent, 1e-9);
        Assert.Equal(1000, result.ColdMs);
        Assert.Equal([100, 600, 300], result.Stages.Select(s => Math.Round(s.ColdMs, 9)));
        Assert.Equal(0, result.StageSumErrorPercent, 1e-9);
    }

    [Fact]
    public void Time_outside_of_the_stages_is_missing_from_the_shares_and_said()
    {
        var run = new ProfiledRun(200, [new("load", 0.050, 0, 0), new("solve", 0.130, 0, 0)]);
        var result = LatencyResult.From(new RequestTiming(run, 0, "settled", [run], [200], 0), null, null);
        Assert.Equal([25, 65], result.Stages.Select(s => Math.Round(s.SharePercent, 9)));
        Assert.Equal(10, result.StageSumErrorPercent, 1e-9);
    }
}
