using System.Globalization;
using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Images;
using EscNative.Kernels;
using EscNative.Models.Data;
using SkiaSharp;

namespace EscNative.Bench.Peers;

/// <summary>JPEG files in memory to pixels, one after another on one thread: what both of our decoders cost beside libjpeg-turbo alone.</summary>
internal sealed class DecodeWorkload : Workload
{
    private const int Quality = 85;

    // A measured call decodes about as many, so that the collector's pauses belong to it and a peer's own calls do not matter.
    private const int PixelsOfCall = 2_000_000;

    private const int MostCompared = 50_000;

    private static readonly (string Name, int Width, int Height, bool IsFull)[] Photos =
    [
        ("decode-64", 64, 64, false), ("decode-224", 224, 224, false), ("decode-500", 500, 375, false), ("decode-1600", 1600, 1200, false),
        ("decode-224-444", 224, 224, true), ("decode-1600-444", 1600, 1200, true),
    ];

    private readonly (string Name, int Width, int Height, bool IsFull) _photo;
    private readonly byte[] _content;
    private readonly byte[] _pixels;
    private readonly int _stride;

    public DecodeWorkload(string name)
    {
        _photo = Photos.First(photo => photo.Name == name);
        Images = Math.Max(1, PixelsOfCall / (_photo.Width * _photo.Height));
        _pixels = new byte[_photo.Width * _photo.Height * 3];
        // Every channel of rows everywhere: three and the width have no part in it.
        _stride = (_pixels.Length / MostCompared * 6) + 1;
        _content = Encode(Photo(_photo.Height, _photo.Width), _photo.IsFull);
        var fast = new SkiaImageDecoder();
        var skia = new SkiaImageDecoder(JpegLibrary.Skia);
        Own = fast.Jpeg == JpegLibrary.TurboJpeg
            ? [Side("TurboJPEG", fast, isKept: true), Side("TurboJPEG, new memory for each", fast, isKept: false), Side("SkiaSharp", skia, isKept: true)]
            : [Side("SkiaSharp", skia, isKept: true), Side("SkiaSharp, new memory for each", skia, isKept: false)];

        OwnSide Side(string variant, IImageDecoder decoder, bool isKept) => new(variant, 1, false, seconds => Sampling.MedianSeconds(
            () =>
            {
                for (var i = 0; i < Images; i++)
                {
                    if (isKept)
                        decoder.Decode(_content, name, length => _pixels.AsMemory(0, length));
                    else
                        decoder.Decode(_content, name);
                }
            },
            seconds));
    }

    /// <summary>The names of all.</summary>
    public static IEnumerable<string> Names => Photos.Select(photo => photo.Name);

    public override string Name => _photo.Name;

    public override string Description => string.Create(
        CultureInfo.InvariantCulture, $"JPEG of {_photo.Width} x {_photo.Height} in memory ({(_photo.IsFull ? "4:4:4" : "4:2:0")}, baseline, quality {Quality}, {8.0 * _content.Length / (_photo.Width * _photo.Height):0.0} bits a pixel) to RGB");

    public override int Images { get; }

    public override string Operation => "decode";

    public override string? Architecture => null;

    public override IReadOnlyList<OwnSide> Own { get; }

    public override JsonObject Request => new()
    {
        ["op"] = Operation,
        ["width"] = _photo.Width,
        ["height"] = _photo.Height,
        ["images"] = Images,
        ["stride"] = _stride,
    };

    public override IReadOnlyList<(string Name, byte[] Data)> Blobs => [("jpeg", _content)];

    public override Agreement Compare(string variant, ReadOnlySpan<float> theirs)
    {
        var ours = Enumerable.Range(0, (_pixels.Length + _stride - 1) / _stride).Select(i => (float)_pixels[i * _stride]).ToArray();
        return Agreement.Between(ours, theirs, 0, "pixels");
    }

    public override void Dispose()
    {
    }

    // Noise of every size, the finer the fainter, as photos have it; the colours go together.
    private static Image Photo(int height, int width)
    {
        var random = new RandomSource(7);
        var sums = new float[height * width * 3];
        var share = 0.5f;
        for (var side = 2; side < Math.Max(height, width); side *= 2)
        {
            var (rows, columns) = (Math.Max(1, side * height / width), side);
            var grid = new float[rows * columns * 3];
            random.FillUniform(grid);
            var bytes = Array.ConvertAll(grid, value => (byte)(255 * value));
            for (var i = 0; i < bytes.Length; i++)
                bytes[i] = (byte)(((7 * bytes[i - (i % 3)]) + (3 * bytes[i])) / 10);
            var noise = new Image(rows, columns, 3, bytes).Resize(height, width, ImageFilter.Bicubic).Pixels.Span;
            for (var i = 0; i < sums.Length; i++)
                sums[i] = ((1 - share) * sums[i]) + (share * noise[i]);
            share = Math.Max(0.09f, share * 0.75f);
        }

        return new Image(height, width, 3, Array.ConvertAll(sums, value => (byte)value));
    }

    private static byte[] Encode(Image photo, bool isFull)
    {
        using var bitmap = new SKBitmap(photo.Width, photo.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var from = photo.Pixels.Span;
        var to = bitmap.GetPixelSpan();
        for (int i = 0, at = 0; at < to.Length; i += 3, at += 4)
            (to[at], to[at + 1], to[at + 2], to[at + 3]) = (from[i], from[i + 1], from[i + 2], byte.MaxValue);
        using var map = bitmap.PeekPixels();
        using var data = map!.Encode(new SKJpegEncoderOptions(Quality, isFull ? SKJpegEncoderDownsample.Downsample444 : SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore));
        return data!.ToArray();
    }
}
