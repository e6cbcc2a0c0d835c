namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>The mean Euclidean distance between the class probabilities of two models.</summary>
/// <param name="reference">To which model: <see cref="MetricNeeds.Original"/> or <see cref="MetricNeeds.Retrain"/>.</param>
/// <param name="options">How models are compared.</param>
public sealed class ActivationDistanceMetric(MetricNeeds reference, SimilarityOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => SimilarityRows.Title("activation distance", reference);

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Logits | reference;

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return SimilarityRows.Of(
            models, reference, options, "activation distance", "mean Euclidean distance of the class probabilities", s => s.ActivationDistance, "0", MetricDirection.Lower, RowGroup.NormalMean);
    }
}
