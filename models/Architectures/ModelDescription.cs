using System.Globalization;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What a model is, apart from its values. Saved as metadata of the model file.</summary>
public sealed record ModelDescription
{
    /// <summary>More classes than this a file's tensors do not make by themselves: a size that a damaged file claims is no reason to take memory.</summary>
    public const int MostClasses = 1 << 20;

    // Images have one or three; some instruments more.
    internal const int MostChannels = 1024;

    /// <summary>The architecture's name: <c>allcnn</c>.</summary>
    public string Architecture => Hyperparameters.Architecture;

    /// <summary>What the architecture was told: its own record.</summary>
    public required Hyperparameters Hyperparameters { get; init; }

    /// <summary>Colours of the images.</summary>
    public required int Channels { get; init; }

    /// <summary>The names of the classes, in the order of the scores.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>How pixels become inputs.</summary>
    public required Normalisation Normalisation { get; init; }

    /// <summary>How photos come to the model's size, where its file says it; null for what is usual for the network.</summary>
    public ImageTransform? Transform { get; init; }

    /// <summary>The images that the model was trained on, or null where nobody knows. <see cref="Trainer"/> sets it.</summary>
    public DataRecord? Data { get; init; }

    /// <summary>The hyper-parameters as the record of an architecture.</summary>
    /// <exception cref="UsageException">They are another architecture's.</exception>
    public T HyperparametersOf<T>()
        where T : Hyperparameters => Of<T>(Hyperparameters);

    /// <summary>The images that the model takes: rows, columns, channels.</summary>
    /// <exception cref="UsageException">Its architecture is none that <see cref="Architectures"/> knows.</exception>
    public (int Height, int Width, int Channels) Input() => Architectures.Get(Architecture).Input(Hyperparameters) with { Channels = Channels };

    /// <summary>What is known of a model from its tensors alone: classes have numbers for names, and the normalisation is a guess.</summary>
    /// <param name="hyperparameters">The architecture's record.</param>
    /// <param name="channels">Colours of the images.</param>
    /// <param name="classes">How many classes there are, at most <see cref="MostClasses"/>.</param>
    /// <exception cref="UsageException">There are more classes, or fewer than none.</exception>
    public static ModelDescription OfTensors(Hyperparameters hyperparameters, int channels, int classes) => classes is >= 0 and <= MostClasses
        ? new()
        {
            Hyperparameters = hyperparameters,
            Channels = channels,
            ClassNames = [.. Enumerable.Range(0, classes).Select(i => i.ToString(CultureInfo.InvariantCulture))],
            Normalisation = Normalisation.Half,
        }
        : throw new UsageException($"model: got {classes} classes, wants 0 to {MostClasses}");

    internal static T Of<T>(Hyperparameters hyperparameters)
        where T : Hyperparameters => hyperparameters as T
        ?? throw new UsageException($"model: got {hyperparameters.GetType().Name} of {hyperparameters.Architecture}, wants {typeof(T).Name}");
}
