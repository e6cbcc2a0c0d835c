using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>Membership by a threshold on one signal of a row (<see cref="ThresholdAttack"/>).</summary>
/// <param name="seed">Seed of the resamples behind the intervals.</param>
public sealed class ThresholdAttackMetric(ulong seed) : IMetric
{
    /// <inheritdoc/>
    public string Name => "threshold attack";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Losses;

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ThresholdAttack.Run(context.Data, seed);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        var attacks = Of(models.Erased) ?? [];
        for (var i = 0; i < attacks.Count; i++)
        {
            var (index, attack) = (i, attacks[i]);
            var group = new RowGroup(models, Name, $"a threshold on the {attack.Signal}, D_f against unseen images (Song and Mittal, 2021)", seed);
            var n = attack.Members + attack.NonMembers;
            var area = group.Row($"{attack.Signal}, AUC", "area under the ROC curve", n, e => Of(e)?[index].Auc) with
            {
                Unit = "",
                Interval = Interval.HanleyMcNeil(attack.Auc, attack.Members, attack.NonMembers),
                IntervalBasis = attack.Auc is null ? RowGroup.NoRows : RowGroup.HanleyMcNeil,
            };
            yield return Judgement.Of(area, null, 0.5, auc => SamplingError.OfAuc(auc, attack.Members, attack.NonMembers));
            yield return group.Row($"{attack.Signal}, TPR", "members found at 1 % false positives", n, e => Of(e)?[index].TruePositives) with
            {
                Interval = attack.Interval,
                IntervalBasis = attack.Interval is null ? RowGroup.NoRows : "bootstrap, 400 resamples of both sides",
            };
        }
    }

    private IReadOnlyList<ThresholdAttackResult>? Of(Measurements model) => model.Get<IReadOnlyList<ThresholdAttackResult>>(Name);
}
