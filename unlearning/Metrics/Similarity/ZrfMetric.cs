using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>ZRF, the zero-retrain forgetting score (<see cref="ZeroRetrainForgetting"/>).</summary>
/// <param name="seed">Seed of the network that knows nothing.</param>
public sealed class ZrfMetric(ulong seed) : IMetric
{
    /// <inheritdoc/>
    public string Name => "ZRF";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Logits | MetricNeeds.Images;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns => [new(ComparisonTable.Knowledge, 60, Name, Name, "D_f")];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var (train, forget) = (context.Data.Train, context.Split.Forget);
        return forget.Count == 0
            ? null
            : ZeroRetrainForgetting.Run(train.LogitsOf(train.RowsOf(forgotten: true)), context.Model, forget, seed, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Erased.Get<ZrfResult>(Name) is null)
            return [];
        return
        [
            Row(models, Name, "1 - mean JS divergence from a network with random weights, over D_f (Chundawat et al.)", z => z.Score),
            Row(
                models, "ZRF-code", "the same as its published code computes it: divergences reversed, and divided by the number of classes", z => z.AsCoded),
        ];
    }

    private MetricResult Row(MetricComparison models, string metric, string definition, Func<ZrfResult, MeanValue> select)
    {
        var own = select(models.Erased.Get<ZrfResult>(Name)!);
        var row = new RowGroup(models, metric, definition, seed).Row(
            "D_f", "training rows that the request names", own.Rows, e => e.Get<ZrfResult>(Name) is { } zrf ? select(zrf).Mean : null) with
        {
            Unit = "",
            Interval = own.Interval,
            IntervalBasis = own.Interval is null ? "none: fewer than two rows" : RowGroup.NormalMean,
        };
        var error = own.Interval is { } i ? (i.High - i.Low) / 4 : 0;
        return Judgement.Of(row, null, null, _ => error, forgetful: true);
    }
}
