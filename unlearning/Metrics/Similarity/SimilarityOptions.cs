namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>How two models are compared row by row.</summary>
public sealed record SimilarityOptions
{
    /// <summary>The defaults.</summary>
    public static SimilarityOptions Default { get; } = new();

    /// <summary>Compares so many rows of a set at most, drawn by <see cref="Seed"/>; all if null.</summary>
    public int? MaxRows { get; init; } = 10_000;

    /// <summary>Seed of the draw.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.RequireCount("similarity", "max rows", MaxRows);
    }
}
