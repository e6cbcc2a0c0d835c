using EscNative.Engine;

namespace EscNative.Models.Data;

/// <summary>Some images as a network takes them. It lives until the loader is asked for the next one.</summary>
public sealed class Batch : IDisposable
{
    private readonly int[] _indices;

    internal Batch(Tensor images, Tensor labels, int[] indices)
    {
        Images = images;
        Labels = labels;
        _indices = indices;
    }

    /// <summary>Normalised float32 images, [b, h, w, c].</summary>
    public Tensor Images { get; }

    /// <summary>32-bit classes, [b].</summary>
    public Tensor Labels { get; }

    /// <summary>The images' positions in the loader's set, [b].</summary>
    public ReadOnlySpan<int> Indices => _indices;

    /// <summary>The number of images.</summary>
    public int Count => _indices.Length;

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
    }
}
