namespace EscNative.Engine.Plans;

/// <summary>How a plan is compiled.</summary>
public sealed record PlanOptions
{
    /// <summary>
    /// Whether 3x3 convolutions may run as Winograd's minimal filtering where that is faster. Its results differ from the direct
    /// sums by rounding alone: relative error at most 1e-5 against float64, about 1e-6 as a rule.
    /// </summary>
    public bool Winograd { get; init; } = true;

    /// <summary>Images that one thread, or a GPU, takes through the whole network at a time. 0 chooses: on the CPU so that they stay in the
    /// cache, on a GPU so that every layer fills it, or as many as its memory has room for. The result does not depend on it. A number of
    /// one's own is kept to, also where there is no memory for it.</summary>
    public int ImagesPerChunk { get; init; }

    /// <summary>How many images a run has, where the caller knows; 0 where not. A GPU's chunks then come out even, and take no more memory
    /// than such a run needs; the CPU chooses the algorithms that are fastest for fewer than 16 images, whose results differ by rounding
    /// from those for many. Runs of other sizes are as right.</summary>
    public int ImagesPerRun { get; init; }

    /// <summary>The number of every byte in every channel, [channels, 256], for images of bytes; empty if they come as floats only.</summary>
    public ReadOnlyMemory<float> ByteTable { get; init; }

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.Require(ImagesPerChunk is >= 0 and <= 1 << 16, "plan", "images a chunk", ImagesPerChunk, $"0 (choose) to {1 << 16}");
        UsageException.Require(ImagesPerRun >= 0, "plan", "images a run", ImagesPerRun, "0 (unknown) or more");
    }
}
