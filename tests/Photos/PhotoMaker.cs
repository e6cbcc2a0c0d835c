using SkiaSharp;

namespace EscNative.Tests.Photos;

/// <summary>Small photos of one colour with some noise, which tests write where they want them.</summary>
internal static class PhotoMaker
{
    /// <summary>A photo as a file of a format.</summary>
    public static byte[] Make(int height, int width, byte red, byte green, byte blue, SKEncodedImageFormat format = SKEncodedImageFormat.Png, int seed = 0)
    {
        var random = new Random(seed + 1);
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                bitmap.SetPixel(x, y, new SKColor(Near(red), Near(green), Near(blue)));
        }

        using var data = bitmap.Encode(format, 90);
        return data.ToArray();

        byte Near(byte value) => seed == 0 ? value : (byte)Math.Clamp(value + random.Next(-30, 31), 0, 255);
    }
}
