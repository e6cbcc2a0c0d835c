namespace EscNative.Models.Data;

/// <summary>Where the pixels of a set of images are: in memory, or in files that are decoded when they are asked for. Safe for concurrent use.</summary>
internal abstract class PixelStore
{
    /// <summary>Whether a row costs nothing but its copy.</summary>
    public virtual bool IsInMemory => true;

    /// <summary>Whether the images' files are known, in their own sizes: <see cref="Crop"/> cuts from them.</summary>
    public virtual bool HasOriginals => false;

    /// <summary>An image's bytes.</summary>
    /// <param name="id">Its position in the store.</param>
    public abstract ReadOnlySpan<byte> Row(int id);

    /// <summary>A random part of an image's original, in the size of the set.</summary>
    /// <param name="id">Its position in the store.</param>
    /// <param name="draw">Which part.</param>
    /// <param name="drawId">Its id, by which the part is drawn.</param>
    /// <param name="row">Receives it.</param>
    public virtual void Crop(int id, CropDraw draw, int drawId, Span<byte> row) => throw new NotSupportedException("images without originals");

    /// <summary>Copies images.</summary>
    /// <param name="ids">Their positions in the store.</param>
    /// <param name="rows">Receives them, one after another.</param>
    public virtual void Read(ReadOnlySpan<int> ids, Span<byte> rows)
    {
        var size = ids.IsEmpty ? 0 : rows.Length / ids.Length;
        for (var i = 0; i < ids.Length; i++)
            Row(ids[i]).CopyTo(rows[(i * size)..]);
    }
}

/// <summary>Images in one array.</summary>
/// <param name="pixels">[n, size].</param>
/// <param name="size">Bytes of an image.</param>
internal sealed class PixelArray(byte[] pixels, int size) : PixelStore
{
    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Row(int id) => pixels.AsSpan(id * size, size);
}

/// <summary>Images in an array each: more of them than one array can hold.</summary>
/// <param name="rows">The images.</param>
internal sealed class PixelRows(byte[][] rows) : PixelStore
{
    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Row(int id) => rows[id];
}

/// <summary>The images of two sets, where they are.</summary>
/// <param name="first">The first set.</param>
/// <param name="second">The images that follow.</param>
internal sealed class PixelsOfTwo(ImageSet first, ImageSet second) : PixelStore
{
    /// <inheritdoc/>
    public override bool IsInMemory => first.IsInMemory && second.IsInMemory;

    /// <inheritdoc/>
    public override bool HasOriginals => first.HasOriginals && second.HasOriginals;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Row(int id) => id < first.Count ? first.Pixels(id) : second.Pixels(id - first.Count);

    /// <inheritdoc/>
    public override void Crop(int id, CropDraw draw, int drawId, Span<byte> row)
    {
        if (id < first.Count)
            first.Crop(id, draw, drawId, row);
        else
            second.Crop(id - first.Count, draw, drawId, row);
    }
}
