namespace EscNative.Unlearning.Statistics;

/// <summary>Where a minimisation stopped.</summary>
/// <param name="Value">The function's value there.</param>
/// <param name="GradientNorm">The Euclidean norm of the gradient there.</param>
/// <param name="Iterations">Steps taken.</param>
/// <param name="Evaluations">How often the function was computed.</param>
/// <param name="Converged">Whether the gradient norm is below the tolerance.</param>
internal readonly record struct LbfgsResult(double Value, double GradientNorm, int Iterations, int Evaluations, bool Converged);
