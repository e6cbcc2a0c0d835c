using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>MIA: the membership inference of ESC's table 1 (<see cref="LossAttack"/>).</summary>
/// <param name="options">How it is run.</param>
public sealed class LossAttackMetric(LossAttackOptions options) : IMetric
{
    /// <inheritdoc/>
    public string Name => "MIA";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Losses;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns => [new(ComparisonTable.Knowledge, 50, "MIA", Name, "accuracy")];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return LossAttack.Run(context.Data, options);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Erased.Get<LossAttackResult>(Name) is not { } attack)
            return [];
        var group = new RowGroup(
            models, Name, "accuracy of a logistic regression on the loss, D_f against unseen images; Retrain's value is the reference, not 50 (ESC, table 1)"
            + (attack.Score is null ? FormattableString.Invariant($"; no value: {attack.Members} images a side are too few to train and to test with") : ""),
            options.Seed, $"mean of {attack.Splits.Count} splits");
        var row = group.Row(
            "accuracy", $"{attack.Members} members and as many others", 2 * attack.Members, e => e.Get<LossAttackResult>(Name)?.Score) with
        {
            Interval = Interval.Wilson(attack.Score, attack.TestedRows),
            IntervalBasis = attack.Score is null ? "none: too few rows to split" : $"Wilson over {attack.TestedRows} tested rows",
        };
        // Members that lose more than unseen images stand out as well, but not because they are remembered.
        return
        [
            Judgement.Of(
                row, null, null, p => SamplingError.OfShare(p, Math.Max(1, attack.TestedRows)),
                forgetful: attack.Coefficient > 0 && row.Value > row.Retrain),
        ];
    }
}
