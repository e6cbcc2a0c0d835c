using System.Globalization;

namespace EscNative.Models.Data;

/// <summary>Which images a model was trained on: part of its description, and kept in its file.</summary>
public sealed record DataRecord
{
    /// <summary>What the data set is called.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// <see cref="ImageSet.ContentHash"/> of the whole training set, also where a part was left out; null where a file of an older version
    /// knows the name alone.
    /// </summary>
    public string? Fingerprint { get; init; }

    /// <summary>Training images of the whole set.</summary>
    public int Images { get; init; }

    /// <summary>The images' [height, width, channels], in words.</summary>
    public string Size { get; init; } = "";

    /// <summary>How the images came to that size, the name of an <see cref="ImageTransform"/>; null where they are stored in it, or it is not known.</summary>
    public string? Transform { get; init; }

    /// <summary>What of the set was left out in training: names of classes, or a number of images.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>The record of a data set.</summary>
    public static DataRecord Of(DataSet data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new DataRecord
        {
            Name = data.Name,
            Fingerprint = data.Train.ContentHash(),
            Images = data.Train.Count,
            Size = string.Create(CultureInfo.InvariantCulture, $"[{data.Train.Height}, {data.Train.Width}, {data.Train.Channels}]"),
            Transform = data.Transform?.Name,
        };
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}{(Images > 0 ? $", {Images} images {Size}" : "")}{(Transform is null ? "" : $" ({Transform})")}{(Without.Count > 0 ? $" without {string.Join(", ", Without)}" : "")}{(Fingerprint is { Length: >= 12 } hash ? $", SHA-256 {hash[..12]}" : "")}");
}
