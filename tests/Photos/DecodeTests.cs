using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using EscNative.Engine.Formats;
using EscNative.Images;
using EscNative.Models.Data;
using SkiaSharp;

namespace EscNative.Tests.Photos;

public sealed class DecodeTests
{
    private static readonly SkiaImageDecoder Decoder = new();

    [Fact]
    public void Every_recorded_image_has_the_pixels_that_Pillow_gives()
    {
        var different = new List<string>();
        var all = PillowFiles.Decoded().ToArray();
        Assert.True(all.Length >= 50, $"{all.Length} images");
        foreach (var recorded in all)
        {
            var image = Decoder.Decode(PillowFiles.Read(recorded.Name), recorded.Name).InColour();
            Assert.Equal((recorded.Name, recorded.Height, recorded.Width), (recorded.Name, image.Height, image.Width));
            var most = recorded.Tolerance == 0
                ? Convert.ToHexStringLower(SHA256.HashData(image.Pixels.Span)) == recorded.Sha256 ? 0 : 256
                : PnmReader.Read(recorded.Name, PillowFiles.Read(recorded.Name + ".ppm")).Pixels.ToArray().Zip(image.Pixels.ToArray(), (a, b) => Math.Abs(a - b)).Max();
            if (most > recorded.Tolerance)
                different.Add($"{recorded.Name}: {most}");
        }

        Assert.True(different.Count == 0, $"{different.Count} of {all.Length} differ: {string.Join(", ", different)}");
    }

    [Fact]
    public void Memory_that_is_used_again_gives_the_same_pixels()
    {
        using var memory = new PixelMemory();
        foreach (var recorded in PillowFiles.Decoded())
        {
            var content = PillowFiles.Read(recorded.Name);
            var (wanted, got) = (Decoder.Decode(content, recorded.Name), Decoder.Decode(content, recorded.Name, memory.Take));
            Assert.Equal((wanted.Height, wanted.Width, wanted.Channels, wanted.Pixels.Length), (got.Height, got.Width, got.Channels, got.Pixels.Length));
            Assert.True(wanted.Pixels.Span.SequenceEqual(got.Pixels.Span), recorded.Name);
            Assert.True(got.Pixels.Span.Overlaps(memory.Take(1).Span), recorded.Name);
        }
    }

    [Fact]
    public void Grey_stays_grey_and_the_name_does_not_decide_the_format()
    {
        Assert.Equal(1, Decoder.Decode(PillowFiles.Read("grey.jpg"), "x").Channels);
        Assert.Equal(3, Decoder.Decode(PillowFiles.Read("rgb.png"), "x.jpg").Channels);
        // One photo, whatever it was turned to.
        Assert.Equal((37, 53), (Decoder.Decode(PillowFiles.Read("turned.jpg"), "x").Height, Decoder.Decode(PillowFiles.Read("turned.jpg"), "x").Width));
    }

    [Fact]
    public void Broken_images_are_refused_at_once_and_without_much_memory()
    {
        var broken = Broken().ToArray();
        Assert.True(broken.Length >= 50, $"{broken.Length} files");
        // The first one of a format pays for the native library, and shows that what is counted is counted.
        var native = SkiaImageDecoder.NativeBytes;
        foreach (var good in (string[])["rgb.png", "baseline-444.jpg", "lossy.webp", "rgb.bmp"])
            Decoder.Decode(PillowFiles.Read(good), good);
        Assert.True(SkiaImageDecoder.NativeBytes > native);
        foreach (var (name, content, says) in broken)
        {
            TimeSpan took;
            var tries = 0;
            do
            {
                native = SkiaImageDecoder.NativeBytes;
                var before = GC.GetAllocatedBytesForCurrentThread();
                var time = Stopwatch.StartNew();
                var refused = Assert.Throws<DataFormatException>(() => { Decoder.Decode(content, name); Assert.Fail($"{name} was read"); });
                took = time.Elapsed;
                Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20, $"{name}: {GC.GetAllocatedBytesForCurrentThread() - before} bytes");
                Assert.True(SkiaImageDecoder.NativeBytes - native < 1 << 20, $"{name}: {SkiaImageDecoder.NativeBytes - native} bytes");
                Assert.Equal(name, refused.File);
                Assert.Contains(says, refused.Rule, StringComparison.Ordinal);
            }
            // A busy machine may hold up one try.
            while (took >= TimeSpan.FromSeconds(1) && ++tries < 3);
            Assert.True(took < TimeSpan.FromSeconds(1), $"{name}: {took}");
        }
    }

    [Theory]
    [InlineData("baseline-420.jpg")]
    [InlineData("progressive-420.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("rgb.png")]
    [InlineData("grey16.png")]
    public void What_is_behind_the_end_of_an_image_is_no_part_of_it(string name)
    {
        var content = PillowFiles.Read(name);
        var wanted = Decoder.Decode(content, name);
        byte[] film = [0, 0, 0, 24, .. "ftypmp42"u8, 0xff, 0xd9, .. Enumerable.Repeat<byte[]>([0xff, 0xda, 0, 0xff], 200).SelectMany(b => b)];
        var got = Decoder.Decode([.. content, .. film], name);
        Assert.Equal((wanted.Height, wanted.Width, wanted.Channels), (got.Height, got.Width, got.Channels));
        Assert.Equal(wanted.Pixels.ToArray(), got.Pixels.ToArray());
        // Nor are those bytes scans, or the end, where they are in a remark.
        if (content[0] != 0xff)
            return;
        byte[] remark = [.. Enumerable.Repeat<byte[]>([0xff, 0xda, 0xff, 0xd9], 200).SelectMany(b => b)];
        got = Decoder.Decode([.. content[..2], 0xff, 0xfe, 802 >> 8, 802 & 255, .. remark, .. content[2..]], name);
        Assert.Equal(wanted.Pixels.ToArray(), got.Pixels.ToArray());
    }

    [Fact]
    public void A_lossless_WebP_of_one_colour_is_read_in_a_few_bytes()
    {
        using var bitmap = new SKBitmap(2000, 1000, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Erase(new SKColor(7, 8, 9));
        using var pixels = bitmap.PeekPixels();
        using var data = pixels.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 100));
        var content = data!.ToArray();
        Assert.InRange(content.Length, 20, 500);
        Assert.All(Decoder.Decode(content, "one.webp").Pixels.ToArray().Chunk(3), pixel => Assert.Equal([7, 8, 9], pixel));
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Fuzzed_images_are_refused_or_read()
    {
        foreach (var name in (string[])["rgb.png", "palette8-made.png", "baseline-420.jpg", "progressive-420.jpg", "cmyk.jpg", "lossy.webp", "alpha.webp", "palette.bmp"])
        {
            var valid = PillowFiles.Read(name);
            FuzzRun.Run(name, valid, (mutator, bytes) => mutator.Mutate(bytes, Math.Min(bytes.Length, 200)), bytes => Decoder.Decode(bytes, "fuzz"), least: 60, seconds: 0.15);
        }
    }

    // Files that nobody should be harmed by, and what is said of each.
    internal static IEnumerable<(string Name, byte[] Content, string Says)> Broken()
    {
        foreach (var name in (string[])["rgb.png", "rgb-interlaced.png", "grey16.png", "baseline-444.jpg", "progressive-420.jpg", "grey.jpg", "cmyk.jpg", "lossy.webp", "lossless.webp", "rgb.bmp"])
        {
            var content = PillowFiles.Read(name);
            foreach (var part in (double[])[0.05, 0.3, 0.6, 0.9])
                yield return ($"{name} cut to {part}", content[..(int)(content.Length * part)], "");
        }

        foreach (var (what, text, says) in (IEnumerable<(string, string, string)>)
            [("empty", "", "an empty file"), ("page.jpg", "<!DOCTYPE html><html>404</html>", "a web page"), ("pointer.jpg", "version https://git-lfs.github.com/spec/v1\n", "Git LFS"), ("note.png", "hello", "no image that is known"), ("a.gif", "GIF89a", "a GIF image"), ("a.tif", "II*\0", "a TIFF image")])
        {
            yield return (what, Encoding.UTF8.GetBytes(text), says);
        }

        var png = PillowFiles.Read("rgb.png");
        foreach (var (width, height, says) in (IEnumerable<(uint, uint, string)>)
            [(0, 5, "wants one or more"), (5, 0, "wants one or more"), (16_385, 1, "at most 16384"), (1, 16_385, "at most 16384"), (16_384, 16_384, "at most"), (uint.MaxValue, 1, "at most"), (int.MaxValue, int.MaxValue, "at most"), (9_000, 9_000, "cannot hold")])
        {
            yield return ($"{width} x {height}.png", Png(png, width, height, 8, 2), says);
        }

        yield return ("flipped.png", [.. png[..^40], (byte)(png[^40] ^ 4), .. png[^39..]], "");
        yield return ("depth 3.png", Png(png, 53, 37, 3, 2), "");
        yield return ("colour 7.png", Png(png, 53, 37, 8, 7), "");
        yield return ("signature.png", png[..8], "without its header");
        yield return ("swapped.png", [.. png[..8], .. png[33..]], "without its header");
        yield return ("no pixels.png", [.. png[..33], .. png[^12..]], "");
        yield return ("soi.jpg", [0xff, 0xd8, 0xff], "");
        yield return ("no frame.jpg", [0xff, 0xd8, 0xff, 0xd9], "");
        var jpeg = PillowFiles.Read("baseline-444.jpg");
        foreach (var (height, width, says) in (IEnumerable<(ushort, ushort, string)>)[(65_535, 65_535, ""), (20_000, 3, "at most"), (0, 53, ""), (37, 0, ""), (9_000, 9_000, "cannot hold")])
            yield return ($"{width} x {height}.jpg", Jpeg(jpeg, height, width), says);
        yield return ("scans.jpg", [.. jpeg[..^2], .. Enumerable.Repeat<byte[]>([0xff, 0xda, 0, 2], 200).SelectMany(b => b)], "scans, at most 100");
        yield return ("no tables.jpg", Without(jpeg, 0xdb), "");
        var webp = PillowFiles.Read("lossy.webp");
        yield return ("header.webp", webp[..12], "");
        yield return ("noise.webp", [.. webp[..16], .. Enumerable.Range(0, 400).Select(i => (byte)(i * 73))], "");
        yield return ("9000 x 9000.webp", WebP("VP8 "u8, webp, content => content.AsSpan(26, 4), 9000 | (9000 << 16)), "");
        var lossless = PillowFiles.Read("lossless.webp");
        yield return ("9000 x 9000 lossless.webp", WebP("VP8L"u8, lossless, content => content.AsSpan(21, 4), 8999 | (8999 << 14)), "it is damaged");
        yield return ("16384 x 16384 lossless.webp", WebP("VP8L"u8, lossless, content => content.AsSpan(21, 4), 16383 | (16383 << 14)), "at most");
        foreach (var part in (byte[][])[webp[12..], lossless[12..]])
        {
            foreach (var side in (int[])[9000, 16_384, 1 << 24])
            {
                var length = 4 + 18 + part.Length;
                yield return (
                    $"{side} x {side} extended {part[3]}.webp",
                    [.. webp[..4], (byte)length, (byte)(length >> 8), (byte)(length >> 16), 0, .. "WEBPVP8X"u8, 10, 0, 0, 0, 0, 0, 0, 0, .. Three(side - 1), .. Three(side - 1), .. part],
                    "");
            }
        }

        var bmp = PillowFiles.Read("rgb.bmp");
        foreach (var (width, height) in (IEnumerable<(int, int)>)[(0, 10), (100_000, 100_000), (-5, 10), (20_000, 3)])
            yield return ($"{width} x {height}.bmp", Bmp(bmp, width, height), "");
        yield return ("bm.bmp", "BM"u8.ToArray(), "");
    }

    private static byte[] Three(int value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16)];

    private static byte[] WebP(ReadOnlySpan<byte> kind, byte[] valid, Func<byte[], Span<byte>> sizes, int value)
    {
        Assert.True(valid.AsSpan(12, 4).SequenceEqual(kind));
        var content = (byte[])valid.Clone();
        BinaryPrimitives.WriteInt32LittleEndian(sizes(content), value);
        return content;
    }

    private static byte[] Png(byte[] valid, uint width, uint height, byte depth, byte colour)
    {
        var content = (byte[])valid.Clone();
        BinaryPrimitives.WriteUInt32BigEndian(content.AsSpan(16), width);
        BinaryPrimitives.WriteUInt32BigEndian(content.AsSpan(20), height);
        (content[24], content[25]) = (depth, colour);
        BinaryPrimitives.WriteUInt32BigEndian(content.AsSpan(29), Crc(content.AsSpan(12, 17)));
        return content;
    }

    private static byte[] Jpeg(byte[] valid, ushort height, ushort width)
    {
        var content = (byte[])valid.Clone();
        var frame = content.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc0]);
        BinaryPrimitives.WriteUInt16BigEndian(content.AsSpan(frame + 5), height);
        BinaryPrimitives.WriteUInt16BigEndian(content.AsSpan(frame + 7), width);
        return content;
    }

    private static byte[] Without(byte[] valid, byte marker)
    {
        var content = (byte[])valid.Clone();
        while (content.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, marker]) is var at and >= 0)
            content = [.. content[..at], .. content[(at + 2 + BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(at + 2)))..]];
        return content;
    }

    private static byte[] Bmp(byte[] valid, int width, int height)
    {
        var content = (byte[])valid.Clone();
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(22), height);
        return content;
    }

    private static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }

        return ~crc;
    }
}
