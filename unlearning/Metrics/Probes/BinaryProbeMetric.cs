using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>How well a linear score tells forgotten rows from the others (<see cref="BinaryProbe"/>).</summary>
/// <param name="options">How it is fitted.</param>
public sealed class BinaryProbeMetric(BinaryProbeOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => "binary probe";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Features;

    /// <inheritdoc/>
    public double Cost => 0.1;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns => [new(ComparisonTable.Knowledge, 30, "AUC", Name, "AUC")];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return BinaryProbe.Run(context.Data, options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Erased.Get<BinaryProbeResult>(Name) is not { } own)
            return [];
        var group = new RowGroup(
            models, Name, "area under the ROC curve of a balanced logistic regression, forgotten against rest, on standardised features",
            Setting: own.Converged ? "" : "not converged");
        var row = group.Row("AUC", "test rows", own.Positives + own.Negatives, e => e.Get<BinaryProbeResult>(Name)?.Auc) with
        {
            Unit = "",
            Interval = Interval.HanleyMcNeil(own.Auc, own.Positives, own.Negatives),
            IntervalBasis = RowGroup.HanleyMcNeil,
        };
        return [Judgement.Of(row, null, 0.5, auc => SamplingError.OfAuc(auc, own.Positives, own.Negatives))];
    }
}
