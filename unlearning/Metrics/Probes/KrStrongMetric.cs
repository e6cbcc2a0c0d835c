namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>KR-strong: what an attacker's linear head recovers when it is trained to convergence (<see cref="StrongProbe"/>).</summary>
/// <param name="options">What the attacker tries.</param>
public sealed class KrStrongMetric(StrongProbeOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => "KR-strong";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Features;

    /// <inheritdoc/>
    public double Cost => 0.6;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns =>
    [
        new(ComparisonTable.Knowledge, 20, "strong D_f", Name, "D_f"), new(ComparisonTable.Knowledge, 21, "strong D_ft", Name, "D_ft"),
        new(ComparisonTable.Knowledge, 22, "strong HM_t", Name, "HM_t"),
    ];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return StrongProbe.Run(context.Data, options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Erased.Get<StrongProbeResult>(Name) is not { } strong)
            return [];
        return new RowGroup(
            models, Name, "accuracy of the linear head, trained to convergence, that recovers most of D_f in a sweep (the attacker's choice)",
            options.SgdLearningRates.Count > 0 ? options.Seed : null, $"{strong.Best.Setting}, best of {strong.Sweep.Count}")
            .Accuracies(e => e.Get<StrongProbeResult>(Name)?.Best.Accuracies);
    }
}
