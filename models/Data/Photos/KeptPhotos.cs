namespace EscNative.Models.Data;

/// <summary>Photos whose resized bytes lie in memory. Random parts are cut from their files, which are decoded again.</summary>
/// <param name="rows">The resized photos.</param>
/// <param name="files">Their files.</param>
/// <param name="reader">Decodes one.</param>
internal sealed class KeptPhotos(byte[][] rows, string[] files, PhotoReader reader) : PixelStore
{
    /// <inheritdoc/>
    public override bool HasOriginals => true;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Row(int id) => rows[id];

    /// <inheritdoc/>
    public override void Crop(int id, CropDraw draw, int drawId, Span<byte> row) => reader.Crop(files[id], draw, drawId, row);
}
