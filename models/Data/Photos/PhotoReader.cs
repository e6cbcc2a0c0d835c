using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Reads photos as rows of bytes of one size. Safe for concurrent use.</summary>
internal sealed class PhotoReader(PhotoOptions options)
{
    private const int MaximumFile = 256 << 20;

    /// <summary>Bytes of an image.</summary>
    public int ImageSize => options.Height * options.Width * options.Channels;

    /// <summary>Reads a photo in its own size.</summary>
    /// <param name="path">The file.</param>
    /// <param name="decoder">Reads other formats than PGM and PPM, or null.</param>
    /// <param name="pixels">Holds its pixels, or null for memory of their own.</param>
    /// <exception cref="DataFormatException">It cannot be read.</exception>
    public static Image Read(string path, IImageDecoder? decoder, PixelMemory? pixels = null)
    {
        var content = InputFile.ReadAll(path, MaximumFile);
        if (PnmReader.IsPnm(content))
            return PnmReader.Read(path, content);
        if (decoder is null)
            throw NoDecoder(path, PhotoFormats.NameOf(content));
        var image = pixels is null ? decoder.Decode(content, path) : decoder.Decode(content, path, pixels.Take);
        return image.Channels is 1 or 3 && image.Pixels.Length == (long)image.Height * image.Width * image.Channels
            ? image
            : throw new EscException(
                ErrorCode.Internal, $"{path}: {decoder.GetType().Name} gave {image.Pixels.Length} bytes for [{image.Height}, {image.Width}, {image.Channels}]");
    }

    /// <summary>What an embedder must add for other formats than ours.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it is.</param>
    public static DataFormatException NoDecoder(string path, string what) => new(
        path, null,
        $"is {what}; without a decoder only PGM and PPM images are read: add the package EscNative.Images and pass new SkiaImageDecoder() as PhotoOptions.Decoder, or an IImageDecoder of your own");

    /// <summary>Reads a photo.</summary>
    /// <param name="path">The file.</param>
    /// <param name="row">Receives [height, width, channels] of the options.</param>
    /// <returns>Whether its colours became grey.</returns>
    /// <exception cref="DataFormatException">It cannot be read.</exception>
    public bool Read(string path, Span<byte> row)
    {
        using var pixels = new PixelMemory();
        return Fit(Read(path, options.Decoder, pixels), options, row);
    }

    /// <summary>Brings an image into the size and colours of the options.</summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Size, channels and transform.</param>
    /// <param name="row">Receives [height, width, channels] of the options.</param>
    /// <returns>Whether its colours became grey.</returns>
    public static bool Fit(Image image, PhotoOptions options, Span<byte> row)
    {
        var colours = options.Channels == 1 && image.Channels == 3;
        if (colours)
            image = image.InGrey();
        // Grey is repeated after it was resized: bands do not see each other.
        image = options.Transform.Apply(image, options.Height, options.Width);
        (options.Channels == 3 ? image.InColour() : image).Pixels.Span.CopyTo(row);
        return colours;
    }

    /// <summary>A remark on photos whose colours became grey.</summary>
    /// <param name="name">The data's name.</param>
    /// <param name="count">How many, 1 or more.</param>
    public static string Grey(string name, int count) =>
        FormattableString.Invariant($"{name}: {count} photo{(count == 1 ? "" : "s")} in colour became grey: the network takes one channel");

    /// <summary>Reads a random part of a photo, resized with the filter that the whole photo would be.</summary>
    /// <param name="path">The file.</param>
    /// <param name="draw">Which part.</param>
    /// <param name="id">The photo's id, by which the part is drawn.</param>
    /// <param name="row">Receives [height, width, channels] of the options.</param>
    /// <exception cref="DataFormatException">It cannot be read.</exception>
    public void Crop(string path, CropDraw draw, int id, Span<byte> row)
    {
        using var pixels = new PixelMemory();
        var image = InColours(path, pixels);
        // Cut first: a filter must not see what lies around the part.
        image = image.Cut(draw.Of(image, id)).Resize(options.Height, options.Width, options.Transform.Filter);
        (options.Channels == 3 ? image.InColour() : image).Pixels.Span.CopyTo(row);
    }

    private Image InColours(string path, PixelMemory pixels)
    {
        var image = Read(path, options.Decoder, pixels);
        return options.Channels == 1 ? image.InGrey() : image;
    }
}
