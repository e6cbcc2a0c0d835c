namespace EscNative.Models.Data;

/// <summary>Which files are photos by their names, and what a file is by its first bytes.</summary>
internal static class PhotoFormats
{
    // Photos to everybody, whether or not they can be read here: none is passed over without a word.
    private static readonly HashSet<string> Photos = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".pgm", ".ppm", ".pnm",
        ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".jp2", ".jxl",
    };

    /// <summary>Whether a name is one of a photo.</summary>
    public static bool IsPhoto(string name) => Photos.Contains(Path.GetExtension(name));

    /// <summary>Whether a name is one of a photo that can be read.</summary>
    public static bool IsRead(string name, IImageDecoder? decoder) =>
        PnmReader.IsImage(name) || (decoder is not null && decoder.Extensions.Contains(Path.GetExtension(name).ToLowerInvariant()));

    /// <summary>What a file seems to be, for messages.</summary>
    public static string NameOf(ReadOnlySpan<byte> content) =>
        content is [0x89, (byte)'P', (byte)'N', (byte)'G', ..] ? "a PNG image"
        : content is [0xff, 0xd8, 0xff, ..] ? "a JPEG image"
        : content is [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] ? "a WebP image"
        : content.StartsWith("BM"u8) ? "a BMP image"
        : content.StartsWith("GIF8"u8) ? "a GIF image"
        : content.StartsWith("II*\0"u8) || content.StartsWith("MM\0*"u8) ? "a TIFF image"
        : content.Length > 12 && content[4..8].SequenceEqual("ftyp"u8) ? "a HEIF or AVIF image"
        : content.StartsWith("P5"u8) || content.StartsWith("P6"u8) ? "a PGM or PPM image"
        : content.StartsWith("version https://git-lfs"u8) ? "a pointer of Git LFS (fetch the file itself: git lfs pull)"
        : content.TrimStart(" \t\r\n\uFEFF"u8).StartsWith("<"u8) ? "a web page or another text, not the image itself (download it again)"
        : content.IsEmpty ? "an empty file" : "no image that is known";
}
