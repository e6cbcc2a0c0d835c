using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Reads binary PGM (P5, grey) and PPM (P6, colour) images of 8 bits.</summary>
internal static class PnmReader
{
    private const int MaximumFile = 1 << 30;

    /// <summary>Whether a file's name is one of such an image.</summary>
    public static bool IsImage(string name) =>
        Path.GetExtension(name).ToLowerInvariant() is ".pgm" or ".ppm" or ".pnm";

    /// <summary>Reads one image.</summary>
    /// <exception cref="DataFormatException">Not such an image, or a damaged one: with file and offset.</exception>
    public static Image Read(string path) => Read(path, InputFile.ReadAll(path, MaximumFile));

    /// <summary>Whether a file begins as such an image.</summary>
    public static bool IsPnm(ReadOnlySpan<byte> content) => content.StartsWith("P5"u8) || content.StartsWith("P6"u8);

    /// <summary>Reads one image of a file's content.</summary>
    /// <exception cref="DataFormatException">Not such an image, or a damaged one: with file and offset.</exception>
    public static Image Read(string path, byte[] content)
    {
        var channels = content.AsSpan().StartsWith("P5"u8) ? 1 : content.AsSpan().StartsWith("P6"u8) ? 3
            : throw new DataFormatException(path, 0, "is not a binary PGM (P5) or PPM (P6) image");
        var at = 2;
        var width = Number(path, content, ref at, "width", ImageLimits.Side);
        var height = Number(path, content, ref at, "height", ImageLimits.Side);
        var maximum = Number(path, content, ref at, "largest value", ushort.MaxValue);
        if (maximum != 255)
            throw new DataFormatException(path, at, $"has values up to {maximum}; 8 bits (255) are read");
        ImageLimits.Check(path, height, width);
        // Exactly one white space stands between the header and the pixels.
        at++;
        var size = (long)width * height * channels;
        if (content.Length - at != size)
            throw new DataFormatException(path, at, $"has {content.Length - at} bytes of pixels; {width} x {height} with {channels} channels has {size}");
        return new Image(height, width, channels, content.AsMemory(at));
    }

    private static int Number(string path, byte[] content, ref int at, string what, int maximum)
    {
        SkipSpace(content, ref at);
        var start = at;
        while (at < content.Length && content[at] is >= (byte)'0' and <= (byte)'9')
            at++;
        return at < content.Length && int.TryParse(content.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value >= 1 && value <= maximum
            ? value
            : throw new DataFormatException(path, start, $"the {what} is missing, or not from 1 to {maximum}");
    }

    // White space and comments.
    private static void SkipSpace(byte[] content, ref int at)
    {
        while (at < content.Length && (content[at] is (byte)' ' or (byte)'#' or (>= 9 and <= 13)))
        {
            if (content[at] == '#')
            {
                while (at < content.Length && content[at] != '\n')
                    at++;
            }

            at++;
        }
    }
}
