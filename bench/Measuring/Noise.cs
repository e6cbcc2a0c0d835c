using System.Globalization;

namespace EscNative.Bench.Measuring;

/// <summary>Which differences between timings say nothing, and which timings are too uneven to say much.</summary>
internal static class Noise
{
    /// <summary>A spread above it, in per cent, hides what most people look for: a tenth in either direction.</summary>
    public const double WidePercent = 20;

    // Foreign work below it is what every system does.
    private const double QuietShare = 0.05;

    // The standard error of a median of normal values is 1.2533 sigma / sqrt(n), and their MAD is sigma / 1.4826.
    private const double ErrorOfMad = 1.2533 * 1.4826;

    /// <summary>How far apart p05 and p95 are, in per cent of the median.</summary>
    public static double SpreadPercent(LatencyStatistics time) => 100 * (time.P95 - time.P05) / time.Median;

    /// <summary>Whether two medians differ by no more than chance explains (two standard errors).</summary>
    public static bool Explains(LatencyStatistics one, LatencyStatistics other) =>
        Math.Abs(one.Median - other.Median) <= 2 * Math.Sqrt(Math.Pow(Error(one), 2) + Math.Pow(Error(other), 2));

    /// <summary>What to say of runs that differ much, with the likely cause, or null where they do not.</summary>
    /// <param name="time">Their statistics.</param>
    /// <param name="samples">The runs in order.</param>
    /// <param name="othersShare">The share of the machine that other processes used meanwhile; NaN where it is not known.</param>
    public static string? Warning(LatencyStatistics time, IReadOnlyList<double> samples, double othersShare)
    {
        var spread = SpreadPercent(time);
        if (spread <= WidePercent)
            return null;
        return $"the runs differ by {Percent(spread)} % (p05 to p95): {Cause(time, samples, othersShare)}";
    }

    private static string Cause(LatencyStatistics time, IReadOnlyList<double> samples, double othersShare)
    {
        if (othersShare > QuietShare)
            return $"other processes used {Percent(100 * othersShare)} % of the machine; end them and run again";
        var third = samples.Count / 3;
        if (third > 0)
        {
            var drift = Sampling.Median(samples.TakeLast(third)) - Sampling.Median(samples.Take(third));
            if (Math.Abs(drift) > (time.P95 - time.P05) / 2)
                return $"they became {(drift > 0 ? "slower" : "faster")} from first to last, as when the clock changes; raise --runs";
        }

        return samples.Count(sample => sample > time.Median * (1 + (WidePercent / 100))) <= Math.Max(1, samples.Count / 5)
            ? "single runs were interrupted; the median is not touched by them"
            : "no other process was busy, so disk, memory or the processor's clock vary; raise --runs";
    }

    private static double Error(LatencyStatistics time) => ErrorOfMad * time.Mad / Math.Sqrt(time.Count);

    private static string Percent(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
