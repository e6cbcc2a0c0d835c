using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>How large an image may be, so that a small file cannot take all memory.</summary>
public static class ImageLimits
{
    /// <summary>The most pixels of an image: as many as Pillow takes without a warning.</summary>
    public const int Pixels = 89_478_485;

    /// <summary>The most rows or columns.</summary>
    public const int Side = 16_384;

    /// <summary>Whether an image has pixels, and not too many.</summary>
    /// <param name="height">Rows, as its header says.</param>
    /// <param name="width">Columns.</param>
    public static bool Allow(int height, int width) => height is >= 1 and <= Side && width is >= 1 and <= Side && (long)height * width <= Pixels;

    /// <summary>Throws where an image would be too large.</summary>
    /// <param name="file">Its file, for the message.</param>
    /// <param name="height">Rows, as its header says.</param>
    /// <param name="width">Columns.</param>
    /// <exception cref="DataFormatException">It is too large, or empty.</exception>
    public static void Check(string file, int height, int width)
    {
        if (height < 1 || width < 1)
            throw new DataFormatException(file, null, $"is {width} x {height} pixels; wants one or more of each");
        if (!Allow(height, width))
            throw new DataFormatException(file, null, $"is {width} x {height} pixels; at most {Side} a side and {Pixels} in all are read: make it smaller");
    }

    /// <summary>What a file seems to be by its first bytes, for messages: <c>a PNG image</c>, <c>a web page or another text, ...</c>.</summary>
    /// <param name="content">The file.</param>
    public static string Describe(ReadOnlySpan<byte> content) => PhotoFormats.NameOf(content);
}
