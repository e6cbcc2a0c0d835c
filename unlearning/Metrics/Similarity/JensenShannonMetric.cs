namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>The mean Jensen-Shannon divergence between the class probabilities of two models.</summary>
/// <param name="reference">To which model: <see cref="MetricNeeds.Original"/> or <see cref="MetricNeeds.Retrain"/>.</param>
/// <param name="options">How models are compared.</param>
public sealed class JensenShannonMetric(MetricNeeds reference, SimilarityOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => SimilarityRows.Title("JS", reference);

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Logits | reference;

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return SimilarityRows.Of(
            models, reference, options, "JS", "mean Jensen-Shannon divergence of the class probabilities", s => s.JensenShannon, "0", MetricDirection.Lower, RowGroup.NormalMean);
    }
}
