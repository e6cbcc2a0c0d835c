namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>How well a threshold on the loss tells forgotten training rows from rows that no training saw.</summary>
/// <param name="Score">Mean accuracy over the splits, in per cent; null if either side has too few rows to split.</param>
/// <param name="Splits">The accuracy of each split, in per cent.</param>
/// <param name="Members">Rows of each side, m.</param>
/// <param name="TestedRows">Rows tested on, all splits together.</param>
/// <param name="Coefficient">Of the regression on all 2 m rows.</param>
/// <param name="Intercept">Of the regression on all 2 m rows.</param>
public sealed record LossAttackResult(
    double? Score, IReadOnlyList<double> Splits, int Members, int TestedRows, double Coefficient, double Intercept);
