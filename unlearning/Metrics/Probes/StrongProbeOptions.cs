namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>What an attacker tries in KR-strong.</summary>
public sealed record StrongProbeOptions
{
    /// <summary>The defaults.</summary>
    public static StrongProbeOptions Default { get; } = new();

    /// <summary>L2 penalties of the logistic regressions: loss = mean cross-entropy + L2 / 2 |W|². Tried from large to small,
    /// each from the solution of the one before. Scikit-learn's C is 1 / (n L2).</summary>
    public IReadOnlyList<double> L2 { get; init; } = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

    /// <summary>A regression has converged when the Euclidean norm of its gradient is below.</summary>
    public double GradientTolerance { get; init; } = 1e-5;

    /// <summary>Steps of one regression after which it stops, converged or not.</summary>
    public int MaxIterations { get; init; } = 1000;

    /// <summary>Also tries SGD with momentum 0.9 on standardised features at these learning rates; none by default.</summary>
    public IReadOnlyList<double> SgdLearningRates { get; init; } = [];

    /// <summary>Epochs of each SGD probe.</summary>
    public int SgdEpochs { get; init; } = 100;

    /// <summary>Seed of the SGD probes.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "strong probe";
        ArgumentNullException.ThrowIfNull(L2);
        ArgumentNullException.ThrowIfNull(SgdLearningRates);
        if (L2.Count + SgdLearningRates.Count == 0)
            throw new UsageException("strong probe: got neither L2 penalties nor learning rates, wants at least one");
        foreach (var l2 in L2)
            UsageException.RequireNonNegative(operation, "L2 penalty", l2);
        foreach (var rate in SgdLearningRates)
            UsageException.RequirePositive(operation, "SGD learning rate", rate);
        UsageException.RequirePositive(operation, "gradient tolerance", GradientTolerance);
        UsageException.RequireCount(operation, "max iterations", MaxIterations);
        UsageException.RequireCount(operation, "SGD epochs", SgdEpochs);
    }
}
