namespace EscNative.Unlearning.Metrics;

/// <summary>How two models are compared row by row.</summary>
public sealed record SimilarityOptions
{
    /// <summary>The defaults.</summary>
    public static SimilarityOptions Default { get; } = new();

    /// <summary>Compares so many rows of a set at most, drawn by <see cref="Seed"/>; all if null.</summary>
    public int? MaxRows { get; init; } = 10_000;

    /// <summary>Seed of the draw.</summary>
    public ulong Seed { get; init; } = 42;

    internal void Check()
    {
        if (MaxRows < 1)
            throw new UsageException($"similarity: got {MaxRows} rows at most, wants 1 or more, or all");
    }
}
