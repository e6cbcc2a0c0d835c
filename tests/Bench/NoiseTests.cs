using System.Globalization;
using EscNative.Bench.Measuring;

namespace EscNative.Tests.Bench;

public sealed class NoiseTests
{
    private static readonly double[] Steady = [100, 101, 99, 100, 102, 98, 100, 101, 99, 100];

    [Fact]
    public void A_difference_within_two_standard_errors_is_noise_and_a_larger_one_is_not()
    {
        var (one, other) = (LatencyStatistics.From(Steady), LatencyStatistics.From(Steady.Select(x => x + 0.5)));
        Assert.True(Noise.Explains(one, other));
        Assert.False(Noise.Explains(one, LatencyStatistics.From(Steady.Select(x => x + 10))));
    }

    [Theory]
    [InlineData("other processes used 40 %", 0.4, "100 160 100 155 100 150 100 150 100 150")]
    [InlineData("slower from first to last", 0, "100 104 108 112 116 120 124 128 132")]
    [InlineData("faster from first to last", 0, "132 128 124 120 116 112 108 104 100")]
    [InlineData("single runs were interrupted", 0, "100 100 100 100 170 100 100 100 100")]
    [InlineData("disk, memory or the processor's clock", double.NaN, "100 150 100 150 100 150 100 150 100")]
    public void Uneven_runs_get_a_warning_with_the_likely_cause(string cause, double othersShare, string times)
    {
        var samples = times.Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        Assert.Contains(cause, Noise.Warning(LatencyStatistics.From(samples), samples, othersShare), StringComparison.Ordinal);
    }

    [Fact]
    public void Even_runs_get_none() => Assert.Null(Noise.Warning(LatencyStatistics.From(Steady), Steady, 0.5));
}
