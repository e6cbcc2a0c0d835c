using System.Globalization;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What a model is, apart from its values. Saved as metadata of the model file.</summary>
public sealed record ModelDescription
{
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

    /// <summary>The images that the model was trained on, or null where nobody knows. <see cref="Trainer"/> sets it.</summary>
    public DataRecord? Data { get; init; }

    /// <summary>The hyper-parameters as the record of an architecture.</summary>
    /// <exception cref="UsageException">They are another architecture's.</exception>
    public T HyperparametersOf<T>()
        where T : Hyperparameters => Hyperparameters as T
        ?? throw new UsageException($"model: got {Hyperparameters.GetType().Name} of {Architecture}, wants {typeof(T).Name}");

    /// <summary>The images that the model takes: rows, columns, channels.</summary>
    /// <exception cref="UsageException">Its architecture is none that <see cref="Architectures"/> knows.</exception>
    public (int Height, int Width, int Channels) Input() => Architectures.Get(Architecture).Input(Hyperparameters) with { Channels = Channels };

    /// <summary>What is known of a model from its tensors alone: classes have numbers for names, and the normalisation is a guess.</summary>
    /// <param name="hyperparameters">The architecture's record.</param>
    /// <param name="channels">Colours of the images.</param>
    /// <param name="classes">How many classes there are.</param>
    public static ModelDescription OfTensors(Hyperparameters hyperparameters, int channels, int classes) => new()
    {
        Hyperparameters = hyperparameters,
        Channels = channels,
        ClassNames = [.. Enumerable.Range(0, classes).Select(i => i.ToString(CultureInfo.InvariantCulture))],
        Normalisation = Normalisation.Half,
    };
}
