namespace EscNative.Unlearning.Scenarios;

/// <summary>How far a run is.</summary>
/// <param name="Stage">What is done, for people: "finetune: epoch".</param>
/// <param name="Share">The share of this stage that is done, 0 to 1.</param>
public readonly record struct ScenarioProgress(string Stage, double Share);
