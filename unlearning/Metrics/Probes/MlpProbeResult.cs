namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>What a two-layer network recovers from the features.</summary>
/// <param name="Accuracies">The paper's four accuracies of the probe; all null if training diverged.</param>
/// <param name="Setting">How it was trained, for people.</param>
/// <param name="Loss">The mean cross-entropy over the last epoch.</param>
public sealed record MlpProbeResult(ForgetAccuracies Accuracies, string Setting, double Loss);
