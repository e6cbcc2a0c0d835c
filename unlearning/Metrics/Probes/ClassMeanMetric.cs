namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>The accuracies of the nearest class mean (<see cref="NearestClassMean"/>).</summary>
public sealed class ClassMeanMetric : IMetric
{
    /// <inheritdoc/>
    public string Name => "class mean";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Features;

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return NearestClassMean.Run(context.Data);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return new RowGroup(models, Name, "accuracy of the nearest class mean of the training features, Euclidean")
            .Accuracies(e => e.Get<ForgetAccuracies>(Name));
    }
}
