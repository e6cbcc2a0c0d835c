using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>The rows of a metric that says how alike the models are to one of them, on D_f and on D_r.</summary>
internal static class SimilarityRows
{
    /// <summary>Makes them.</summary>
    /// <param name="models">The models.</param>
    /// <param name="reference">To which of them: <see cref="MetricNeeds.Original"/> or <see cref="MetricNeeds.Retrain"/>.</param>
    /// <param name="options">How models are compared.</param>
    /// <param name="metric">The metric: "JS".</param>
    /// <param name="definition">What it is.</param>
    /// <param name="select">Its value; null where it is not to be had.</param>
    /// <param name="ideal">The value of equal models.</param>
    /// <param name="direction">Which value is nearer to that.</param>
    /// <param name="basis">What its interval rests on.</param>
    public static IEnumerable<MetricResult> Of(
        MetricComparison models, MetricNeeds reference, SimilarityOptions options, string metric, string definition,
        Func<ModelSimilarity, MeanValue?> select, string ideal, MetricDirection direction, string basis)
    {
        var train = models.Data.Train;
        var to = reference == MetricNeeds.Retrain ? models.Retrain! : models.Original;
        foreach (var (side, forgotten, rows) in new[] { ("D_f", true, train.ForgottenRows), ("D_r", false, train.Rows - train.ForgottenRows) })
        {
            if (rows == 0 || Compare(models.Erased) is not { } own)
                continue;
            var drawn = own.Rows < rows;
            var group = new RowGroup(
                models, Title(metric, reference), definition, drawn ? options.Seed : null, drawn ? $"{side}: {own.Rows} rows, drawn" : "");
            // A forgotten row must move away from the Original, as far as Retrain's.
            var alike = reference == MetricNeeds.Retrain || !forgotten;
            yield return group.Row(side, forgotten ? "training rows that the request names" : "other training rows", own.Rows, e => Compare(e)?.Mean) with
            {
                Unit = "",
                Ideal = alike ? ideal : RowGroup.RetrainIdeal,
                Direction = alike ? direction : MetricDirection.CloserToRetrain,
                Interval = own.Interval,
                IntervalBasis = own.Interval is null ? "none: too few rows, or a side that does not vary" : basis,
            };

            MeanValue? Compare(Measurements model) => select(models.Once(
                (nameof(ModelSimilarity), model, to, forgotten, options), () => ModelSimilarity.Of(model.Data, to.Data, forgotten, options)));
        }
    }

    /// <summary>The name of a metric to a reference: "JS to Retrain".</summary>
    public static string Title(string metric, MetricNeeds reference) => $"{metric} to {reference}";
}
