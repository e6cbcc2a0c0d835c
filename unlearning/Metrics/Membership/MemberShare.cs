namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>The share of D_f that one attacker takes for training data.</summary>
/// <param name="Attack">The attacker: "SVC confidence".</param>
/// <param name="Percent">The share, in per cent. SalUn's "MIA efficacy" is 100 minus it.</param>
/// <param name="Setting">What the attacker learned from, for people.</param>
public sealed record MemberShare(string Attack, double Percent, string Setting);
