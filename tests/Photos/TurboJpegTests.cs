using EscNative.Bench.Reports;
using EscNative.Engine.Formats;
using EscNative.Images;
using EscNative.Tests.Bench;
using SkiaSharp;

namespace EscNative.Tests.Photos;

/// <summary>The system's TurboJPEG beside SkiaSharp: the same pixels, and the same files refused in the same words.</summary>
public sealed class TurboJpegTests
{
    private static readonly SkiaImageDecoder Skia = new(JpegLibrary.Skia);

    private static readonly string[] Recorded = [.. PillowFiles.Decoded().Select(recorded => recorded.Name).Where(name => name.EndsWith(".jpg", StringComparison.Ordinal))];

    [Fact]
    public void Both_give_the_same_pixels_on_300_images()
    {
        var (api, fast) = OrSkip();
        var random = new Random(15);
        var byTurboJpeg = 0;
        for (var i = 0; i < 300; i++)
        {
            var (height, width) = (random.Next(1, 200), random.Next(1, 200));
            var content = Jpeg(random, height, width, i);
            var (wanted, got) = (Skia.Decode(content, $"{i}"), fast.Decode(content, $"{i}"));
            Assert.Equal((height, width, i % 4 == 3 ? 1 : 3), (got.Height, got.Width, got.Channels));
            Assert.True(wanted.Pixels.Span.SequenceEqual(got.Pixels.Span), $"image {i}, {width} x {height}");
            byTurboJpeg += api.Decode(content, JpegFrame.Read(content), TurboJpegApi.Exact, length => new byte[length]) is null ? 0 : 1;
        }

        Assert.Equal(300, byTurboJpeg);
    }

    [Fact]
    public void Images_that_Pillow_wrote_have_the_same_pixels_and_only_rare_kinds_are_left_to_SkiaSharp()
    {
        var (api, fast) = OrSkip();
        Assert.Contains("progressive-420.jpg", Recorded);
        foreach (var name in Recorded)
        {
            var content = PillowFiles.Read(name);
            var (wanted, got) = (Skia.Decode(content, name), fast.Decode(content, name));
            Assert.Equal((wanted.Height, wanted.Width, wanted.Channels), (got.Height, got.Width, got.Channels));
            Assert.True(wanted.Pixels.Span.SequenceEqual(got.Pixels.Span), name);
            var frame = JpegFrame.Read(content);
            Assert.True(frame.Ends, name);
            if (frame.IsUsual)
                Assert.NotNull(api.Decode(content, frame, TurboJpegApi.Exact, length => new byte[length]));
            // Of the repository's files only CMYK is rare.
            if (!name.Contains("many", StringComparison.Ordinal))
                Assert.Equal(!name.Contains("cmyk", StringComparison.Ordinal), frame.IsUsual);
        }
    }

    [Fact]
    public void Damaged_files_are_refused_or_read_alike()
    {
        var (_, fast) = OrSkip();
        var broken = DecodeTests.Broken().Where(file => file.Content is [0xff, 0xd8, ..]).ToArray();
        Assert.True(broken.Length >= 20, $"{broken.Length} files");
        foreach (var (name, content, _) in broken)
            Assert.Equal((name, Outcome(Skia, content)), (name, Outcome(fast, content)));
        var mutator = new FuzzMutator(15);
        var (read, refused, other) = (0, 0, 0);
        foreach (var name in Recorded.Where(name => !name.Contains("many", StringComparison.Ordinal)))
        {
            var valid = PillowFiles.Read(name);
            for (var i = 0; i < 100; i++)
            {
                // In the tables, in the scans, and cut.
                var content = i % 10 == 0 ? valid[..mutator.Draw(valid.Length)] : mutator.Mutate(valid, i % 2 == 0 ? 700 : valid.Length);
                var (wanted, got) = (Outcome(Skia, content), Outcome(fast, content));
                // The decision and the size are the same whatever the damage.
                Assert.Equal(wanted[..Math.Min(wanted.Length, wanted.LastIndexOf(' '))], got[..Math.Min(got.Length, got.LastIndexOf(' '))]);
                other += wanted == got ? 0 : 1;
                _ = wanted.StartsWith("image", StringComparison.Ordinal) ? read++ : refused++;
            }
        }

        Assert.True(read > 300 && refused > 300, $"{read} read, {refused} refused");
        // Coefficients that no encoder writes leave the 16 bits of the SIMD code, which Pillow has too: without it all pixels are equal.
        Assert.InRange(other, 0, Environment.GetEnvironmentVariable("JSIMD_FORCENONE") == "1" ? 0 : read / 20);
    }

    [Fact]
    public void What_versions_decode_to_other_pixels_is_left_to_SkiaSharp()
    {
        var progressive = PillowFiles.Read("progressive-420.jpg");
        Assert.True(JpegFrame.Read(progressive) is { IsUsual: true, Ends: true, Scans: > 2, Height: 37, Width: 53 });
        var lastScan = progressive.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xff, 0xda]);
        Assert.False(JpegFrame.Read([.. progressive[..lastScan], 0xff, 0xd9]).IsUsual);
        Assert.False(JpegFrame.Read(progressive.AsSpan(0, progressive.Length - 2)).IsUsual);
        var baseline = PillowFiles.Read("baseline-422.jpg");
        Assert.True(JpegFrame.Read(baseline) is { IsUsual: true, Scans: 1 });
        var frame = baseline.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc0]);
        // Frames that say 12 bits, 4:4:0, 4:1:1, two components of one name, arithmetic codes, no loss.
        foreach (var (at, value) in (IEnumerable<(int, byte)>)[(4, 12), (11, 0x12), (11, 0x41), (13, 1), (1, 0xc9), (1, 0xc3)])
        {
            var content = (byte[])baseline.Clone();
            content[frame + at] = value;
            Assert.False(JpegFrame.Read(content).IsUsual, $"{at}: {value}");
        }

        // A second frame, and none.
        Assert.False(JpegFrame.Read([.. baseline[..frame], .. baseline[frame..(frame + 19)], .. baseline[frame..]]).IsUsual);
        Assert.False(JpegFrame.Read([0xff, 0xd8, 0xff, 0xd9]).IsUsual);
    }

    [Fact]
    public void Many_threads_share_it()
    {
        var (_, fast) = OrSkip();
        var files = Recorded.Where(name => !name.Contains("many", StringComparison.Ordinal)).Select(PillowFiles.Read).ToArray();
        var wanted = Array.ConvertAll(files, content => Outcome(Skia, content));
        Parallel.For(0, 64 * files.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            // Some warn, which must not reach the others.
            var content = files[i % files.Length];
            Assert.Equal(wanted[i % files.Length], Outcome(fast, content));
            Outcome(fast, content[..(content.Length * 3 / 4)]);
        });
    }

    [Fact]
    public void A_library_with_other_pixels_is_not_taken()
    {
        var (api, _) = OrSkip();
        Assert.Null(TurboJpegLibrary.Disagreement(api, TurboJpegApi.Exact));
        Assert.Equal("does not give SkiaSharp's pixels (4:2:2)", TurboJpegLibrary.Disagreement(api, TurboJpegApi.Exact | TurboJpegApi.FastUpsample));
    }

    [Fact]
    public void What_is_no_library_is_said_with_every_path_tried()
    {
        using var folder = new TemporaryFolder();
        var (missing, text) = (folder["libturbojpeg.so.0"], folder.Write("libturbojpeg.so", "hello"u8.ToArray()));
        var (api, finding) = TurboJpegLibrary.Search([missing, text]);
        Assert.Null(api);
        Assert.Equal((null, 0, 2), (finding.Path, finding.Version, finding.Tried.Count));
        Assert.Equal(missing, finding.Tried[0]);
        Assert.StartsWith($"{text} cannot be loaded: ", finding.Problem, StringComparison.Ordinal);
        Assert.Equal("not found", TurboJpegLibrary.Search([missing]).Finding.Problem);
        // A library, but of something else.
        if (TurboJpegLibrary.Search(["libc.so.6"]).Finding is { Tried: [var tried] } && OperatingSystem.IsLinux())
            Assert.EndsWith("has no function tjInitDecompress: TurboJPEG 2 or newer is wanted", tried, StringComparison.Ordinal);
    }

    [Fact]
    public void The_choice_is_the_callers_or_the_environments()
    {
        Assert.Equal(JpegLibrary.Skia, new SkiaImageDecoder(JpegLibrary.Auto, "skia").Jpeg);
        Assert.Equal(JpegLibrary.Skia, new SkiaImageDecoder(JpegLibrary.Skia, "turbojpeg").Jpeg);
        Assert.Equal("ESC_JPEG: got fast, wants skia, turbojpeg or nothing", Assert.Throws<UsageException>(() => new SkiaImageDecoder(JpegLibrary.Auto, "fast")).Message);
        Assert.Throws<UsageException>(() => new SkiaImageDecoder((JpegLibrary)9));
        var found = TurboJpegLibrary.Finding.Problem is null;
        Assert.Equal(found ? JpegLibrary.TurboJpeg : JpegLibrary.Skia, new SkiaImageDecoder(JpegLibrary.Auto, "").Jpeg);
        if (found)
            Assert.Equal(JpegLibrary.TurboJpeg, new SkiaImageDecoder(JpegLibrary.TurboJpeg, "skia").Jpeg);
        else
            Assert.StartsWith("JpegLibrary.TurboJpeg: TurboJPEG is demanded, and ", Assert.Throws<UsageException>(() => new SkiaImageDecoder(JpegLibrary.TurboJpeg, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Doctor_says_what_decodes_and_why()
    {
        using var folder = new TemporaryFolder();
        var nowhere = Directory.CreateDirectory(folder["nowhere"]).FullName;
        var jpeg = Doctor(new() { ["ESC_TURBOJPEG_PATH"] = nowhere, ["ESC_JPEG"] = "" });
        Assert.False(jpeg.Ok);
        Assert.StartsWith("SkiaSharp: ", jpeg.Found, StringComparison.Ordinal);
        Assert.Contains($"tried {nowhere}", jpeg.Found, StringComparison.Ordinal);
        Assert.Contains("apt install libturbojpeg0", jpeg.Fix, StringComparison.Ordinal);
        var demanded = ToolProcess.Run(new Dictionary<string, string> { ["ESC_TURBOJPEG_PATH"] = nowhere, ["ESC_JPEG"] = "turbojpeg" }, "doctor");
        Assert.True(demanded.Code == 2, demanded.ToString());
        Assert.Contains("ESC_JPEG=turbojpeg: TurboJPEG is demanded, and not found; tried ", demanded.Error, StringComparison.Ordinal);
        OrSkip();
        Assert.StartsWith("TurboJPEG ", Doctor(new() { ["ESC_JPEG"] = "" }).Found, StringComparison.Ordinal);
        Assert.StartsWith("SkiaSharp, as ESC_JPEG says; ", Doctor(new() { ["ESC_JPEG"] = "skia" }).Found, StringComparison.Ordinal);

        FindingResult Doctor(Dictionary<string, string> environment)
        {
            var outcome = ToolProcess.Run(environment, "doctor", "--json", folder["doctor.json"], "--force");
            Assert.True(outcome.Code == 0, outcome.ToString());
            return ResultJson.Parse(File.ReadAllText(folder["doctor.json"])).Findings!.Single(finding => finding.Subject == "JPEG");
        }
    }

    // In CI its absence is a failure.
    private static (TurboJpegApi Api, SkiaImageDecoder Decoder) OrSkip()
    {
        if (TurboJpegLibrary.Api is { } api)
            return (api, new SkiaImageDecoder(JpegLibrary.TurboJpeg));
        var reason = $"no TurboJPEG ({TurboJpegLibrary.Finding.Problem}): apt install libturbojpeg0, or set {TurboJpegLibrary.PathVariable}";
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.Skip(reason);
        throw new InvalidOperationException("not reached");
    }

    private static string Outcome(SkiaImageDecoder decoder, byte[] content)
    {
        try
        {
            var image = decoder.Decode(content, "file");
            return $"image {image.Height} {image.Width} {image.Channels} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(image.Pixels.Span))}";
        }
        catch (DataFormatException refused)
        {
            return refused.Message;
        }
    }

    private static byte[] Jpeg(Random random, int height, int width, int number)
    {
        var grey = number % 4 == 3;
        using var bitmap = new SKBitmap(width, height, grey ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        var pixels = bitmap.GetPixelSpan();
        var (across, down, noise) = (random.Next(1, 30), random.Next(1, 30), random.Next(1, 256));
        for (var i = 0; i < pixels.Length; i++)
        {
            var (y, x) = (i / bitmap.RowBytes, i % bitmap.RowBytes);
            pixels[i] = (byte)Math.Clamp(128 + (90 * Math.Sin((double)x / across) * Math.Cos((double)y / down)) + random.Next(-noise, noise) / 2, 0, 255);
        }

        using var map = bitmap.PeekPixels();
        var sampling = (SKJpegEncoderDownsample)(number % 3);
        using var data = map!.Encode(new SKJpegEncoderOptions(random.Next(5, 101), sampling, SKJpegEncoderAlphaOption.Ignore));
        return data!.ToArray();
    }
}
