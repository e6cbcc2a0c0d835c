namespace EscNative.Models;

/// <summary>The purposes for which random numbers are drawn from one seed: each of these has a stream of its own.</summary>
/// <remarks>Whoever draws for many epochs or classes has a range of streams of his own, whose upper 32 bits are ASCII letters: order and
/// augmentation of <see cref="Data.BatchLoader"/>, training methods, scenarios, ESC-T's order, Lacuna-10's choice. Metrics have theirs apart,
/// and some of those share a number.</remarks>
public static class RandomStreams
{
    /// <summary>Starting values of parameters.</summary>
    public const ulong Initialisation = 1;

    /// <summary>The remaining classes that forgotten ones are remapped to.</summary>
    public const ulong Remap = 40;

    /// <summary>The noise that Fisher forgetting adds to weights.</summary>
    public const ulong FisherNoise = 41;

    /// <summary>Which images and patches stand for a layer's input.</summary>
    public const ulong LayerSamples = 42;

    /// <summary>The remaining images that the Fisher information is measured on.</summary>
    public const ulong FisherSamples = 43;
}
