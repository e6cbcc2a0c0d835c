using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>A linear probe that was trained, and what it recovers.</summary>
/// <param name="Setting">How it was trained, for people: "L2 1E-05", "SGD, learning rate 0.001, 10 epochs".</param>
/// <param name="Accuracies">The paper's four accuracies of the probe.</param>
/// <param name="Head">The trained classifier.</param>
/// <param name="Loss">The last value of the training objective (SGD: the mean over the last epoch).</param>
/// <param name="Iterations">L-BFGS: steps taken. SGD: epochs.</param>
/// <param name="GradientNorm">L-BFGS: Euclidean norm of the gradient at the end. SGD: null.</param>
/// <param name="Converged">Whether the gradient norm fell below the tolerance; false for SGD, which has no such test.</param>
public sealed record ProbeResult(
    string Setting, ForgetAccuracies Accuracies, LinearHead Head, double Loss, int Iterations, double? GradientNorm, bool Converged);
