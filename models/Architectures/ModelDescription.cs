using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What a model is, apart from its values. Saved as metadata of the model file.</summary>
public sealed record ModelDescription
{
    /// <summary>The architecture's name: <c>allcnn</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>The share of the architecture's filters.</summary>
    public required double Width { get; init; }

    /// <summary>Colours of the images.</summary>
    public required int Channels { get; init; }

    /// <summary>The names of the classes, in the order of the scores.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>How pixels become inputs.</summary>
    public required Normalisation Normalisation { get; init; }

    /// <summary>The images that the model was trained on, or null where nobody knows. <see cref="Trainer"/> sets it.</summary>
    public DataRecord? Data { get; init; }
}
