using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>The architectures by name.</summary>
public static class Architectures
{
    /// <summary>The names that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["allcnn"];

    /// <summary>A model with PyTorch's starting values, in training mode.</summary>
    /// <param name="description">What to make.</param>
    /// <param name="seed">The seed of the starting values.</param>
    /// <param name="device">Where the parameters live; the CPU by default.</param>
    /// <exception cref="UsageException">The architecture, its width or the number of classes is unknown or impossible.</exception>
    public static Classifier Create(ModelDescription description, ulong seed = 0, Device? device = null)
    {
        if (description.ClassNames.Count < 2)
            throw new UsageException($"model: got {description.ClassNames.Count} classes, wants 2 or more");
        var random = new RandomSource(seed, RandomStreams.Initialisation);
        switch (description.Architecture)
        {
            case "allcnn":
                var extractor = new AllCnn(description.Width, random, description.Channels, device);
                return new Classifier(description, extractor, new Linear(extractor.FeatureWidth, description.ClassNames.Count, random, device: device));
            default:
                throw Unknown(description.Architecture);
        }
    }

    /// <summary>Names and shapes, in PyTorch's layout, of a model's first and last weights: its size is known from them without making it.</summary>
    /// <exception cref="UsageException">The architecture or its width is unknown or impossible.</exception>
    internal static IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description)
    {
        switch (description.Architecture)
        {
            case "allcnn":
                var unit = AllCnn.Unit(description.Width);
                return [("features.0.0.weight", [unit, description.Channels, 3, 3]), ("head.0.weight", [description.ClassNames.Count, 2 * unit])];
            default:
                throw Unknown(description.Architecture);
        }
    }

    private static UsageException Unknown(string name) => new($"arch: got '{name}', wants one of {string.Join(", ", Names)}");
}
