namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>What a small network recovers from the features (<see cref="MlpProbe"/>).</summary>
/// <param name="options">How it is trained.</param>
public sealed class MlpProbeMetric(MlpProbeOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => "MLP probe";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Features;

    /// <inheritdoc/>
    public double Cost => 0.3;

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return MlpProbe.Run(context.Data, options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return new RowGroup(
            models, Name, "accuracy of a two-layer network on standardised features", options.Seed, models.Erased.Get<MlpProbeResult>(Name)?.Setting ?? "")
            .Accuracies(e => e.Get<MlpProbeResult>(Name)?.Accuracies);
    }
}
