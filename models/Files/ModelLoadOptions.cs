using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What a model file does not say, or says wrongly: how pixels are normalised, what the classes are called, how large the images are.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>How pixels become inputs; null for what the file says, or what is usual for such files.</summary>
    public Normalisation? Normalisation { get; init; }

    /// <summary>The names of the classes in the order of the scores; null for what the file says, or numbers.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>Rows and columns of the images; null for what the file says, or what is usual for the network.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Gets what a reader of the results must know: how the file was understood, what was assumed, what was replaced. May be null.</summary>
    public ICollection<string>? Remarks { get; init; }

    /// <summary>Throws where a value is impossible.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate() => UsageException.Require(ImageSize is null or >= 1, "model file", "image size", ImageSize ?? 0, "1 or more pixels");

    internal void Say(string remark) => Remarks?.Add(remark);
}
