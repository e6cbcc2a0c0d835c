using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

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
