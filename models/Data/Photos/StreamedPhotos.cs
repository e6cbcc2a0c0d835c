namespace EscNative.Models.Data;

/// <summary>Photos that are decoded whenever they are asked for, since they do not fit into the memory that they may take.</summary>
/// <param name="files">The photos; each was decoded once before.</param>
/// <param name="reader">Decodes one.</param>
internal sealed class StreamedPhotos(string[] files, PhotoReader reader) : PixelStore
{
    /// <inheritdoc/>
    public override bool IsInMemory => false;

    /// <inheritdoc/>
    public override bool HasOriginals => true;

    /// <inheritdoc/>
    public override void Crop(int id, CropDraw draw, int drawId, Span<byte> row) => reader.Crop(files[id], draw, drawId, row);

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Row(int id)
    {
        var row = new byte[reader.ImageSize];
        reader.Read(files[id], row);
        return row;
    }

    /// <inheritdoc/>
    public override unsafe void Read(ReadOnlySpan<int> ids, Span<byte> rows)
    {
        var size = reader.ImageSize;
        fixed (int* id = ids)
        fixed (byte* to = rows)
        {
            var (wanted, target) = ((nint)id, (nint)to);
            ParallelReads.Run(ids.Length, i => reader.Read(files[((int*)wanted)[i]], new Span<byte>((byte*)target + ((long)i * size), size)));
        }
    }
}
