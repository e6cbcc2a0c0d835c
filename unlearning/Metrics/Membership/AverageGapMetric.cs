using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>Avg Gap of ESC's table 5: the mean of |method - Retrain| over D_f, D_r, D_t and the member share.</summary>
public sealed class AverageGapMetric : IMetric
{
    private const string Attack = "SVC confidence";

    /// <inheritdoc/>
    public string Name => "Avg Gap";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Logits | MetricNeeds.Retrain;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns => [new(ComparisonTable.Knowledge, 100, Name, Name, "gap")];

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

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Retrain is not { } retrain || Shares(models.Erased) is not { Count: > 0 })
            return [];
        var n = models.Data.Train.Rows + models.Data.Test.Rows;
        var group = new RowGroup(models, Name, $"mean distance from Retrain of D_f, D_r, D_t and the member share by {Attack} (ESC, table 5)");
        return
        [
            group.Row("gap", "in points", n, e => Of(Values(e), Values(retrain))) with
            {
                Ideal = "0",
                Direction = MetricDirection.Lower,
                IntervalBasis = "none: a mean of absolute differences has no closed form",
            },
        ];
    }

    private static double?[] Values(Measurements model)
    {
        var own = model.Get<ForgetAccuracies>(AccuracyMetric.Title);
        return [own?.Forget, own?.Remain, model.Data.TestAccuracy, Shares(model)?.FirstOrDefault(s => s.Attack == Attack)?.Percent];
    }

    private static IReadOnlyList<MemberShare>? Shares(Measurements model) => model.Get<IReadOnlyList<MemberShare>>(MemberShareMetric.Title);
}
