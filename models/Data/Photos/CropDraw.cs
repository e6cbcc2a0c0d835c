namespace EscNative.Models.Data;

/// <summary>Which part every photo gives in one epoch.</summary>
/// <param name="Crop">How parts are drawn.</param>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Stream">The stream of the epoch.</param>
internal sealed record CropDraw(RandomResizedCrop Crop, ulong Seed, ulong Stream)
{
    /// <summary>The part of a photo.</summary>
    /// <param name="image">The photo in its own size.</param>
    /// <param name="id">Its id in the set.</param>
    public ImageWindow Of(Image image, int id) => Crop.Draw(image.Height, image.Width, Seed, Stream, id);
}
