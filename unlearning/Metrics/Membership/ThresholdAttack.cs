using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>
/// Membership by a threshold on the loss, the entropy or the modified entropy of single rows (Song and Mittal, 2021), judged by
/// the whole ROC curve: D_f against D_ft, or against the whole test set where the request names single images. One threshold
/// for all classes. The reference is Retrain's value.
/// </summary>
public static class ThresholdAttack
{
    /// <summary>The share of false positives at which true ones are counted.</summary>
    public const double FalsePositives = 0.01;

    /// <summary>Runs the three attacks.</summary>
    /// <param name="data">Logits of the model under test.</param>
    /// <param name="seed">Seed of the resamples behind the intervals.</param>
    /// <exception cref="EscException">BadInput: the data come without logits.</exception>
    public static IReadOnlyList<ThresholdAttackResult> Run(EvaluationData data, ulong seed = 42)
    {
        ArgumentNullException.ThrowIfNull(data);
        MembershipRows.Check(data, "threshold attack");
        var (members, others) = (data.ForgetSignals, data.UnseenSignals);
        return
        [
            Of("loss", members.Loss, others.Loss), Of("entropy", members.Entropy, others.Entropy),
            Of("modified entropy", members.ModifiedEntropy, others.ModifiedEntropy),
        ];

        ThresholdAttackResult Of(string signal, double[] member, double[] other)
        {
            var curve = new RocCurve(Array.ConvertAll(member, v => -v), Array.ConvertAll(other, v => -v));
            return new ThresholdAttackResult(
                signal, curve.Auc, curve.TruePositives(FalsePositives), curve.TruePositivesInterval(FalsePositives, seed),
                curve.Positives, curve.Negatives);
        }
    }
}

/// <summary>How well a threshold on one signal tells D_f from rows that no training saw.</summary>
/// <param name="Signal">The signal: "loss", "entropy", "modified entropy". Members have the smaller values.</param>
/// <param name="Auc">The exact area under the ROC curve; null if a side is empty.</param>
/// <param name="TruePositives">The share of members found, in per cent, where at most 1 % of the others are taken for members;
/// null if a side is empty.</param>
/// <param name="Interval">Of <paramref name="TruePositives"/>.</param>
/// <param name="Members">Rows of D_f.</param>
/// <param name="NonMembers">Rows that no training saw.</param>
public sealed record ThresholdAttackResult(
    string Signal, double? Auc, double? TruePositives, Interval? Interval, int Members, int NonMembers);
