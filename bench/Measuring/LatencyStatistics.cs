namespace EscNative.Bench.Measuring;

/// <summary>What a set of timings says, in milliseconds.</summary>
/// <remarks>
/// Quantiles are interpolated between the two nearest samples, at rank q (n - 1) of the sorted samples (numpy's default), so
/// that p05 and p95 of ten runs are not simply the fastest and the slowest one.
/// </remarks>
/// <param name="Count">How many runs.</param>
/// <param name="Median">The figure to quote.</param>
/// <param name="P05">5 % of the runs were faster.</param>
/// <param name="P95">5 % of the runs were slower.</param>
/// <param name="Minimum">The fastest run.</param>
/// <param name="Maximum">The slowest run.</param>
/// <param name="Mad">The median distance of a run from the median: the noise, without its outliers.</param>
internal sealed record LatencyStatistics(
    int Count, double Median, double P05, double P95, double Minimum, double Maximum, double Mad)
{
    /// <summary>The statistics of some timings.</summary>
    /// <exception cref="ArgumentException">There are none, or one is not finite.</exception>
    public static LatencyStatistics From(IEnumerable<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToArray();
        if (sorted.Length == 0)
            throw new ArgumentException("statistics of no timings", nameof(milliseconds));
        if (!sorted.All(double.IsFinite))
            throw new ArgumentException("a timing is not a finite number", nameof(milliseconds));
        var median = Quantile(sorted, 0.5);
        var deviations = sorted.Select(x => Math.Abs(x - median)).Order().ToArray();
        return new LatencyStatistics(
            sorted.Length, median, Quantile(sorted, 0.05), Quantile(sorted, 0.95), sorted[0], sorted[^1], Quantile(deviations, 0.5));
    }

    private static double Quantile(double[] sorted, double q)
    {
        var rank = q * (sorted.Length - 1);
        var below = (int)rank;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((rank - below) * (sorted[above] - sorted[below]));
    }
}
