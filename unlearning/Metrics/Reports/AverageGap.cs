using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Avg Gap of ESC's table 5: the mean of |method - Retrain| over D_f, D_r, D_t and the member share.</summary>
public static class AverageGap
{
    /// <summary>The mean absolute difference.</summary>
    /// <param name="values">A method's values.</param>
    /// <param name="retrain">Retrain's values of the same.</param>
    /// <returns>Null if any value is missing, or there is none.</returns>
    /// <exception cref="EscException">BadInput: other numbers of both.</exception>
    public static double? Of(ReadOnlySpan<double?> values, ReadOnlySpan<double?> retrain)
    {
        Guard.CheckCount("Avg Gap", "values of Retrain", retrain.Length, values.Length);
        double? sum = values.IsEmpty ? null : 0;
        for (var i = 0; i < values.Length; i++)
            sum += Math.Abs((values[i] - retrain[i]) ?? double.NaN);
        return sum is { } total && double.IsFinite(total) ? total / values.Length : null;
    }
}
