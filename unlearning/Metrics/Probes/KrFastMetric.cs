namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>The published probe at learning rate 0.1, as follow-up work reports it.</summary>
/// <param name="options">How the probe is trained, but for the learning rate.</param>
public sealed class KrFastMetric(SgdProbeOptions options) : IMetric
{
    private readonly SgdProbeOptions _options = options with { LearningRate = SgdProbeOptions.LearningRate01.LearningRate };

    /// <inheritdoc/>
    public string Name => "KR-lr0.1";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Features;

    /// <inheritdoc/>
    public double Cost => 0.1;

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return SgdProbe.Run(context.Data, _options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return new RowGroup(
            models, Name, "accuracy of the paper's probe at learning rate 0.1 (follow-up work of ESC)", _options.Seed,
            models.Erased.Get<ProbeResult>(Name)?.Setting ?? "", Converged: false).Accuracies(e => e.Get<ProbeResult>(Name)?.Accuracies);
    }
}
