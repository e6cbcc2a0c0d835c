namespace EscNative.Models;

/// <summary>The purposes for which random numbers are drawn from one seed: each has a stream of its own; those of <see cref="Data.BatchLoader"/> lie apart.</summary>
public static class RandomStreams
{
    /// <summary>Starting values of parameters.</summary>
    public const ulong Initialisation = 1;

    /// <summary>Probes of what a model still knows.</summary>
    public const ulong Probe = 4;

    /// <summary>The remaining classes that forgotten ones are remapped to.</summary>
    public const ulong Remap = 40;

    /// <summary>The noise that Fisher forgetting adds to weights.</summary>
    public const ulong FisherNoise = 41;

    /// <summary>Which images and patches stand for a layer's input.</summary>
    public const ulong LayerSamples = 42;
}
