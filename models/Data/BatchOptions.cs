using EscNative.Engine;

namespace EscNative.Models.Data;

/// <summary>How a set is cut into batches.</summary>
public sealed record BatchOptions
{
    /// <summary>Images of a batch; the last one of an epoch may have fewer.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Whether every epoch has its own random order; else the set's order.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether a last batch with fewer images is left out.</summary>
    public bool DropLast { get; init; }

    /// <summary>Random changes of the images.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.None;

    /// <summary>Seed of the order and the changes.</summary>
    public ulong Seed { get; init; }

    /// <summary>Where the tensors live; the CPU by default.</summary>
    public Device? Device { get; init; }

    /// <summary>Throws where a value is impossible.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.RequireCount("batches", "batch size", BatchSize);
        ArgumentNullException.ThrowIfNull(Augmentation);
        Augmentation.Validate();
    }
}
