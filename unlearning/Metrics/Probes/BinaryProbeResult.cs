namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>How well a linear score tells forgotten rows from the others.</summary>
/// <param name="Auc">Area under the ROC curve on the test rows, 0 to 1; null if they, or the training rows, are all of one side.</param>
/// <param name="Positives">Forgotten test rows.</param>
/// <param name="Negatives">Other test rows.</param>
/// <param name="Iterations">Steps of L-BFGS.</param>
/// <param name="GradientNorm">Euclidean norm of the gradient at the end.</param>
/// <param name="Converged">Whether that is below the tolerance.</param>
public sealed record BinaryProbeResult(double? Auc, int Positives, int Negatives, int Iterations, double GradientNorm, bool Converged);
