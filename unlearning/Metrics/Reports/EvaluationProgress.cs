namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>How far an evaluation is.</summary>
/// <param name="Stage">What is being measured, for people: "erased: KR-strong".</param>
/// <param name="Share">The share of all stages that is done, 0 to 1.</param>
public readonly record struct EvaluationProgress(string Stage, double Share);
