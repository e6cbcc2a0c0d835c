namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>How the forgotten-against-rest probe is fitted.</summary>
public sealed record BinaryProbeOptions
{
    /// <summary>The defaults.</summary>
    public static BinaryProbeOptions Default { get; } = new();

    /// <summary>Penalty of the weight vector w: loss = balanced mean of the log loss + L2 / 2 |w|².</summary>
    public double L2 { get; init; } = 1e-5;

    /// <summary>It has converged when the Euclidean norm of the gradient is below.</summary>
    public double GradientTolerance { get; init; } = 1e-5;

    /// <summary>Steps after which it stops, converged or not.</summary>
    public int MaxIterations { get; init; } = 1000;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "binary probe";
        UsageException.RequireNonNegative(operation, "L2 penalty", L2);
        UsageException.RequirePositive(operation, "gradient tolerance", GradientTolerance);
        UsageException.RequireCount(operation, "max iterations", MaxIterations);
    }
}
