using EscNative.Kernels;

namespace EscNative.Unlearning.Statistics;

/// <summary>A 95 % confidence interval: what the value may be on other images of the same kind.</summary>
/// <remarks>It says nothing about other seeds of training or of a request; repeated trials do.</remarks>
/// <param name="Low">The lower end, in the value's unit.</param>
/// <param name="High">The upper end.</param>
public readonly record struct Interval(double Low, double High)
{
    // The 97.5 % quantile of the standard normal distribution.
    private const double Quantile = 1.959963984540054;

    // Numbered among the streams of metrics, which this namespace does not know: MetricStreams lists it in its remarks.
    private const ulong BootstrapStream = 0x4D45_0004;

    /// <summary>Of a share of n independent rows (Wilson, 1927), in per cent. Sound near 0 and 100 too.</summary>
    /// <param name="percent">The share, 0 to 100.</param>
    /// <param name="n">Rows.</param>
    /// <returns>Null if there is no row or no share.</returns>
    public static Interval? Wilson(double? percent, int n)
    {
        if (percent is not { } value || n < 1)
            return null;
        var (p, z) = (value / 100, Quantile * Quantile / n);
        var centre = (p + (z / 2)) / (1 + z);
        var half = Quantile * Math.Sqrt((p * (1 - p) / n) + (z / (4.0 * n))) / (1 + z);
        return new Interval(100 * Math.Max(0, centre - half), 100 * Math.Min(1, centre + half));
    }

    /// <summary>Of an area under the ROC curve (Hanley and McNeil, 1982), cut to 0 .. 1.</summary>
    /// <param name="auc">The area.</param>
    /// <param name="positives">Rows of one side.</param>
    /// <param name="negatives">Rows of the other.</param>
    /// <returns>Null if there is no area.</returns>
    public static Interval? HanleyMcNeil(double? auc, int positives, int negatives) =>
        auc is { } value ? Normal(value, SamplingError.OfAuc(value, positives, negatives)).Within(0, 1) : null;

    /// <summary>Of a value with a normal error.</summary>
    /// <param name="value">The value.</param>
    /// <param name="error">Its standard error.</param>
    public static Interval Normal(double value, double error) => new(value - (Quantile * error), value + (Quantile * error));

    /// <summary>The 2.5 and 97.5 % quantiles of a statistic over resamples of two groups of rows, each drawn with replacement.</summary>
    /// <param name="first">Rows of the first group.</param>
    /// <param name="second">Rows of the second.</param>
    /// <param name="statistic">Of how often each row of each group was drawn; null where it is not defined.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="resamples">How many.</param>
    internal static Interval? Bootstrap(
        int first, int second, Func<int[], int[], double?> statistic, ulong seed, int resamples = 400)
    {
        if (first == 0 || second == 0)
            return null;
        var random = new RandomSource(seed, BootstrapStream);
        var values = new List<double>(resamples);
        for (var i = 0; i < resamples; i++)
        {
            if (statistic(Draw(first), Draw(second)) is { } value)
                values.Add(value);
        }

        if (values.Count < resamples)
            return null;
        values.Sort();
        return new Interval(values[(int)(0.025 * (resamples - 1))], values[(int)Math.Ceiling(0.975 * (resamples - 1))]);

        int[] Draw(int rows)
        {
            var counts = new int[rows];
            for (var i = 0; i < rows; i++)
                counts[random.NextInt(rows)]++;
            return counts;
        }
    }

    /// <summary>The part of it that lies between two bounds.</summary>
    internal Interval Within(double low, double high) => new(Math.Max(Low, low), Math.Min(High, high));
}
