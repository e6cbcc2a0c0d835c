namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>KR, knowledge retention as published (ESC, section 3.2.3; <see cref="SgdProbe"/>).</summary>
/// <param name="options">How the probe is trained.</param>
public sealed class KrOfficialMetric(SgdProbeOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => "KR-official";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Features;

    /// <inheritdoc/>
    public double Cost => 0.1;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns =>
    [
        new(ComparisonTable.Knowledge, 10, "KR D_f", Name, "D_f"), new(ComparisonTable.Knowledge, 11, "KR D_ft", Name, "D_ft"),
        new(ComparisonTable.Knowledge, 12, "KR HM_t", Name, "HM_t"),
    ];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return SgdProbe.Run(context.Data, options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return new RowGroup(
            models, Name, "accuracy of a new linear head, trained as the paper does, far from converged (ESC, section 3.2.3)", options.Seed,
            models.Erased.Get<ProbeResult>(Name)?.Setting ?? "", Converged: false).Accuracies(e => e.Get<ProbeResult>(Name)?.Accuracies);
    }
}
