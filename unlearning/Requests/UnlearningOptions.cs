using System.Collections.ObjectModel;

namespace EscNative.Unlearning;

/// <summary>What a request may set. A method ignores none that it is given: an option that it has no use for is an error.</summary>
public sealed record UnlearningOptions
{
    /// <summary>The share of directions to remove, in per cent of d (paper section 3.3); 1.5 where neither p nor k is given.</summary>
    public double? Percent { get; init; }

    /// <summary>The number of directions to remove, instead of <see cref="Percent"/>.</summary>
    public int? Directions { get; init; }

    /// <summary>The solver: <c>auto</c>, <c>svd</c>, <c>gram-eigen</c>, <c>subspace-iteration</c>; on a GPU also <c>svd-jacobi</c>.</summary>
    public string Solver { get; init; } = "auto";

    /// <summary>The paper's definition or the released code's behaviour.</summary>
    public UnlearningMode Mode { get; init; } = UnlearningMode.Paper;

    /// <summary>Images a batch in feature passes. Official mode depends on it: the released code has 64.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>
    /// In Official mode, whether images are flipped and shuffled at random as in the released code; without it the pass is
    /// deterministic (file order, no flip), which is what parity is tested with.
    /// </summary>
    public bool OfficialAugmentation { get; init; } = true;

    /// <summary>Values for the method's own <see cref="IUnlearningMethod.Parameters"/>, by name; the others keep their defaults.</summary>
    public IReadOnlyDictionary<string, double> Parameters { get; init; } = ReadOnlyDictionary<string, double>.Empty;

    /// <summary>The seed of everything random.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense, whatever the method. What a method makes of the others it says itself.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "unlearning";
        UsageException.Require(Percent is null or (>= 0 and < 100), operation, "p (percent)", Percent ?? 0, "0 to below 100");
        UsageException.RequireCount(operation, "k (directions)", Directions, least: 0);
        UsageException.RequireCount(operation, "batch size", BatchSize);
        UsageException.Require(Enum.IsDefined(Mode), operation, "mode", Mode, "Paper or Official");
        ArgumentNullException.ThrowIfNull(Parameters);
        foreach (var (name, value) in Parameters)
            UsageException.Require(double.IsFinite(value), operation, name, value, "a finite number");
    }
}

/// <summary>How literally a method follows the released code.</summary>
public enum UnlearningMode
{
    /// <summary>The method as the paper defines it: evaluation mode, complement form, test transform. The default.</summary>
    Paper,

    /// <summary>
    /// The released code, its defects included (commit 29c66b8): the feature pass runs in training mode, so that batch
    /// normalisation uses the statistics of forgetting-only batches and its running statistics become theirs.
    /// </summary>
    Official,
}
