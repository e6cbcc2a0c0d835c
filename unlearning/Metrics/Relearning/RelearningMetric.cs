using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Relearning;

/// <summary>What comes back by fine-tuning and by prototypes (<see cref="RelearningAttack"/>).</summary>
/// <param name="options">How it is measured.</param>
public sealed class RelearningMetric(RelearningOptions options) : IMetric
{
    private const string OnRemain = "relearning on D_r";

    /// <inheritdoc/>
    public string Name => "relearning";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Images;

    /// <inheritdoc/>
    public double Cost => 1;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns => [new(ComparisonTable.Knowledge, 80, "relearned D_f", OnRemain, $"D_f, {options.Steps[^1]} steps")];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Split.Forget.Count == 0
            ? null
            : RelearningAttack.Measure(context.Model, context.Split, options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Erased.Get<RelearningResult>(Name) is not { } own)
            return [];
        var sgd = FormattableString.Invariant($"SGD, learning rate {options.LearningRate}, momentum {options.Momentum}, batch {options.Batch}");
        return
        [
            .. Rows(models, own, OnRemain, "accuracy after steps of fine-tuning on D_r alone (arXiv 2505.22310)", sgd, r => r.OnRemain),
            .. Rows(
                models, own, "relearning on samples", $"accuracy after steps of fine-tuning on {own.Samples} images of the forgotten classes",
                $"{sgd}, {own.Samples} images", r => r.OnSamples),
            .. Rows(
                models, own, "prototype attack",
                $"accuracy with the head's forgotten rows replaced by the mean feature of {own.Samples} images (after arXiv 2506.01318)",
                $"{own.Samples} images", r => [r.Prototypes]),
        ];
    }

    private IEnumerable<MetricResult> Rows(
        MetricComparison models, RelearningResult own, string metric, string definition, string setting,
        Func<RelearningResult, IReadOnlyList<RelearningPoint>> select)
    {
        var group = new RowGroup(models, metric, definition, options.Seed, setting);
        var points = select(own);
        for (var i = 0; i < points.Count; i++)
        {
            var index = i;
            var after = points.Count == 1 ? "" : $", {points[i].Steps} steps";
            yield return Point("D_f" + after, "training rows that the request names", own.ForgetImages, p => p.Forget, judged: true);
            if (i < points.Count - 1)
                continue;
            yield return Point("D_ft" + after, "test rows of the forgotten classes", own.ForgetTestImages, p => p.ForgetTest, judged: true);
            yield return Point("D_rt" + after, "other test rows: what the attack costs", own.RemainTestImages, p => p.RemainTest, judged: false);

            MetricResult Point(string name, string rows, int n, Func<RelearningPoint, double?> value, bool judged)
            {
                double? Value(Measurements model) => model.Get<RelearningResult>(Name) is { } result ? value(select(result)[index]) : null;
                var row = group.Share(name, rows, n, Value);
                if (row.Value is null && n > 0)
                    row = row with { IntervalBasis = "none: it diverged", Notes = "n/a: it diverged" };
                return judged ? Judgement.Of(row, null, null, p => SamplingError.OfShare(p, n)) : row;
            }
        }
    }
}
