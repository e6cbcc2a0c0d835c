namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>How the k-nearest-neighbour probe votes.</summary>
public sealed record NeighbourOptions
{
    /// <summary>The defaults.</summary>
    public static NeighbourOptions Default { get; } = new();

    /// <summary>How many neighbours vote (all training rows if there are fewer).</summary>
    public int Neighbours { get; init; } = 20;

    /// <summary>Asks only for so many test rows, drawn by <see cref="Seed"/>; all if null.</summary>
    public int? MaxQueries { get; init; }

    /// <summary>Seed of the draw.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.RequireCount("nearest neighbours", "neighbours", Neighbours);
        UsageException.RequireCount("nearest neighbours", "max queries", MaxQueries);
    }
}
