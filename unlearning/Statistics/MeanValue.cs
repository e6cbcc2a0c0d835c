namespace EscNative.Unlearning.Statistics;

/// <summary>A mean over rows with its sampling error.</summary>
/// <param name="Mean">The mean; null if there is no row.</param>
/// <param name="Interval">Its 95 % interval; null for fewer than two rows.</param>
/// <param name="Rows">How many rows.</param>
public sealed record MeanValue(double? Mean, Interval? Interval, int Rows)
{
    /// <summary>The mean of values, with the standard error of their deviation.</summary>
    internal static MeanValue Of(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty)
            return new MeanValue(null, null, 0);
        var sum = 0.0;
        foreach (var value in values)
            sum += value;
        var mean = sum / values.Length;
        if (values.Length == 1)
            return new MeanValue(mean, null, 1);
        var squares = 0.0;
        foreach (var value in values)
            squares += (value - mean) * (value - mean);
        var error = Math.Sqrt(squares / (values.Length - 1) / values.Length);
        return new MeanValue(mean, Statistics.Interval.Normal(mean, error), values.Length);
    }
}
