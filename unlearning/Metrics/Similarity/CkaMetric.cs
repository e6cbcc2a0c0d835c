using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>Linear centred kernel alignment of the features of two models (<see cref="CkaResult"/>).</summary>
/// <param name="reference">To which model: <see cref="MetricNeeds.Original"/> or <see cref="MetricNeeds.Retrain"/>.</param>
/// <param name="options">How models are compared.</param>
public sealed class CkaMetric(MetricNeeds reference, SimilarityOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => SimilarityRows.Title("CKA", reference);

    /// <inheritdoc/>
    public MetricNeeds Needs => reference;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns =>
        reference == MetricNeeds.Original ? [new(ComparisonTable.Knowledge, 70, "CKA D_f", Name, "D_f")] : [];

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return SimilarityRows.Of(
            models, reference, options, "CKA", "linear centred kernel alignment of the features", s => new MeanValue(s.Cka.Value, s.Cka.Interval, s.Cka.Rows), "1",
            MetricDirection.Higher, "jackknife over tenths of the rows");
    }
}
