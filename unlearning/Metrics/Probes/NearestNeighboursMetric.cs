namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>The accuracies of the nearest neighbours, which only test rows are asked for (<see cref="NearestNeighbours"/>).</summary>
/// <param name="options">How they vote.</param>
public sealed class NearestNeighboursMetric(NeighbourOptions options) : IMetric
{
    private readonly string _title = $"{options.Neighbours}-NN";

    /// <inheritdoc/>
    public string Name => "nearest neighbours";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Features;

    /// <inheritdoc/>
    public double Cost => 0.2;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns => [new(ComparisonTable.Knowledge, 40, $"{_title} D_ft", _title, "D_ft")];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return NearestNeighbours.Run(context.Data, options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (Of(models.Erased) is not { } own)
            return [];
        var (all, forget) = (own.Queries, own.ForgetQueries);
        var group = new RowGroup(
            models, _title, $"accuracy of a majority vote of the {own.Neighbours} training rows most similar by cosine", own.Subsampled ? options.Seed : null,
            own.Subsampled ? $"{all} of {models.Data.Test.Rows} test rows, drawn" : "");
        return
        [
            group.Forgetting("D_ft", "test rows of the forgotten classes", forget, e => Of(e)?.ForgetTest),
            group.Kept("D_rt", "other test rows", all - forget, e => Of(e)?.RemainTest),
            group.Mean(
                "HM_t", "harmonic mean of 100 - D_ft and D_rt", all, e => Of(e)?.HarmonicMeanTest,
                ForgetAccuracies.MeanInterval(own.ForgetTest, forget, own.RemainTest, all - forget)),
        ];
    }

    private NeighbourResult? Of(Measurements model) => model.Get<NeighbourResult>(Name);
}
