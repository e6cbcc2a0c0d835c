using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Peers;

/// <summary>Work that this engine and its peers do on the same weights and images.</summary>
internal abstract class Workload : IDisposable
{
    /// <summary>Its name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What a call does.</summary>
    public abstract string Description { get; }

    /// <summary>Images of a call.</summary>
    public abstract int Images { get; }

    /// <summary>What peers call it.</summary>
    public abstract string Operation { get; }

    /// <summary>The network that it is about, or null.</summary>
    public abstract string? Architecture { get; }

    /// <summary>Our ways to do it; the first one is what everything else is compared with.</summary>
    public abstract IReadOnlyList<OwnSide> Own { get; }

    /// <summary>The request to a peer, but for variant, threads and seconds.</summary>
    public abstract JsonObject Request { get; }

    /// <summary>What a peer must have before the request: named bytes.</summary>
    public abstract IReadOnlyList<(string Name, byte[] Data)> Blobs { get; }

    /// <summary>Compares a peer's output with ours.</summary>
    /// <param name="variant">How the peer computed.</param>
    /// <param name="theirs">Its output.</param>
    public abstract Agreement Compare(string variant, ReadOnlySpan<float> theirs);

    /// <summary>Where the time of our first side goes, or null where nobody knows.</summary>
    /// <param name="seconds">How long to look, at the least.</param>
    public virtual IReadOnlyList<StepResult>? Profile(double seconds) => null;

    public abstract void Dispose();
}
