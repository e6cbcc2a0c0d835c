using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using EscNative.Engine.Formats;
using EscNative.Models.Data;
using SkiaSharp;

namespace EscNative.Images;

/// <summary>Decodes PNG, JPEG, WebP and BMP by SkiaSharp: the pixels that Pillow's <c>convert("RGB")</c> gives.</summary>
/// <remarks>
/// PNG, BMP and JPEG (baseline, progressive, grey) equal Pillow's bit for bit; CMYK and WebP within 1. Alpha is dropped, no profile is applied,
/// the orientation of EXIF is ignored, of an animation the first frame is taken. Formats are told by their first bytes, whatever the file's
/// name says, and no other parser of the library is reached. JPEG images of the usual kinds are decoded by the system's TurboJPEG where it is
/// there, in 0.4 to 0.7 of the time; the pixels are the same, and whatever it warns of is decoded or refused by SkiaSharp. Only of damage
/// that neither notices the pixels may differ, where coefficients are beyond what an encoder writes.
/// </remarks>
public sealed class SkiaImageDecoder : IImageDecoder
{
    // Each scan of a progressive JPEG goes over the whole image: a small file could keep a core busy for minutes.
    private const int MostScans = 100;

    private const int StripRows = 32;

    // What a byte of a file can stand for at most: deflate packs 1032 to 1, a JPEG and a lossy WebP have some bits for each block, a run of a BMP has two bytes.
    private const int BytesOfByteDeflated = 1032;
    private const int PixelsOfByteLossy = 2048;
    private const int PixelsOfByteRuns = 128;
    private const int PixelsOfByteWebP = 4096;
    private const int PixelsOfAnyWebP = 16 << 20;

    [ThreadStatic]
    private static long _nativeBytes;

    private readonly bool _triesTurboJpeg;

    /// <summary>Chooses what decodes JPEG images; everything else is SkiaSharp's.</summary>
    /// <param name="jpeg">The choice. The library is looked for when the first JPEG image needs it, or here where it is demanded.</param>
    /// <exception cref="UsageException">TurboJPEG is demanded and not there, or <see cref="TurboJpegLibrary.ChoiceVariable"/> holds something else.</exception>
    public SkiaImageDecoder(JpegLibrary jpeg = JpegLibrary.Auto)
        : this(jpeg, Environment.GetEnvironmentVariable(TurboJpegLibrary.ChoiceVariable))
    {
    }

    internal SkiaImageDecoder(JpegLibrary jpeg, string? choice)
    {
        var demand = $"JpegLibrary.{nameof(JpegLibrary.TurboJpeg)}";
        if (jpeg == JpegLibrary.Auto && choice is { Length: > 0 })
        {
            demand = $"{TurboJpegLibrary.ChoiceVariable}={choice}";
            jpeg = choice switch
            {
                "skia" => JpegLibrary.Skia,
                "turbojpeg" => JpegLibrary.TurboJpeg,
                _ => throw new UsageException($"{TurboJpegLibrary.ChoiceVariable}: got {choice}, wants skia, turbojpeg or nothing"),
            };
        }

        UsageException.Require(Enum.IsDefined(jpeg), "photos", "JPEG library", (int)jpeg, "Auto, Skia or TurboJpeg");
        if (jpeg == JpegLibrary.TurboJpeg && TurboJpegLibrary.Finding is { Problem: { } problem } finding)
            throw new UsageException($"{demand}: TurboJPEG is demanded, and {problem}; tried {string.Join(", ", finding.Tried)}; install it (apt install libturbojpeg0), or leave the demand out");
        _triesTurboJpeg = jpeg != JpegLibrary.Skia;
    }

    /// <summary>What decodes the usual JPEG images: never <see cref="JpegLibrary.Auto"/>.</summary>
    public JpegLibrary Jpeg => TurboJpeg is null ? JpegLibrary.Skia : JpegLibrary.TurboJpeg;

    /// <inheritdoc/>
    public IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib"];

    /// <summary>Bytes that this thread's calls took outside the managed heap so far, for tests.</summary>
    internal static long NativeBytes => _nativeBytes;

    private TurboJpegApi? TurboJpeg => _triesTurboJpeg ? TurboJpegLibrary.Api : null;

    /// <inheritdoc/>
    public Image Decode(byte[] content, string file) => Decode(content, file, length => GC.AllocateUninitializedArray<byte>(length));

    /// <inheritdoc/>
    public unsafe Image Decode(byte[] content, string file, Func<int, Memory<byte>> memory)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(memory);
        var kind = KindOf(content) ?? throw new DataFormatException(file, 0, $"is {ImageLimits.Describe(content)}; PNG, JPEG, WebP and BMP are read: convert it to one of them");
        var deepGrey = kind == "PNG" && CheckPng(content, file);
        var frame = kind == "JPEG" ? JpegFrame.Read(content) : default;
        CheckScans(frame, file);
        try
        {
            if (DecodeUsual(content, frame, memory) is { } usual)
                return usual;
            fixed (byte* start = content)
            {
                using var data = SKData.Create((nint)start, content.Length);
                using var codec = SKCodec.Create(data) ?? throw Failed(file, kind, SKCodecResult.InvalidInput);
                var (height, width) = (codec.Info.Height, codec.Info.Width);
                ImageLimits.Check(file, height, width);
                if (kind == "WebP")
                    CheckWebP(content, file, height, width);
                if (LeastBytes(content, kind, height, width) is var least && least > content.Length)
                    throw new DataFormatException(file, content.Length, $"has {content.Length} bytes, which cannot hold the {width} x {height} pixels of its header: the file is cut or damaged");
                var image = codec.Info.ColorType == SKColorType.Gray8 ? Grey(codec, file, kind, memory) : Colour(codec, file, kind, memory);
                return deepGrey ? DeepGreyPng.Read(content, file, height, width, memory) : image;
            }
        }
        catch (Exception cause) when (cause is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException)
        {
            throw new EscException(ErrorCode.BadInput, $"{file}: SkiaSharp's native library cannot be loaded on this system ({RuntimeInformation.RuntimeIdentifier}): {(cause.InnerException ?? cause).Message}", cause);
        }
    }

    private static string? KindOf(ReadOnlySpan<byte> content) => content switch
    {
        [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, ..] => "PNG",
        [0xff, 0xd8, 0xff, ..] => "JPEG",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "WebP",
        [(byte)'B', (byte)'M', ..] => "BMP",
        _ => null,
    };

    // Whether it is grey of 16 bits, which Pillow clamps instead of halving.
    private static bool CheckPng(ReadOnlySpan<byte> content, string file)
    {
        if (content.Length < 33 || !content[12..16].SequenceEqual("IHDR"u8))
            throw new DataFormatException(file, 8, "is a PNG image without its header; the file is cut or damaged");
        uint width = BinaryPrimitives.ReadUInt32BigEndian(content[16..]), height = BinaryPrimitives.ReadUInt32BigEndian(content[20..]);
        ImageLimits.Check(file, (int)Math.Min(height, int.MaxValue), (int)Math.Min(width, int.MaxValue));
        return content[24] == 16 && content[25] == 0;
    }

    private static void CheckScans(in JpegFrame frame, string file)
    {
        if (frame.Scans > MostScans)
            throw new DataFormatException(file, null, $"has {frame.Scans} scans, at most {MostScans} are read; save it anew");
        // Of several scans Skia takes those that are there, and does not tell.
        if (frame is { Scans: > 1, Ends: false })
            throw Failed(file, "JPEG", SKCodecResult.IncompleteInput);
    }

    // What any doubt is about is left to Skia, whose word is the same wherever this runs.
    private Image? DecodeUsual(byte[] content, in JpegFrame frame, Func<int, Memory<byte>> memory)
    {
        var (height, width) = (frame.Height, frame.Width);
        if (!frame.IsUsual || !ImageLimits.Allow(height, width) || LeastBytes(content, "JPEG", height, width) > content.Length)
            return null;
        return TurboJpeg?.Decode(content, frame, TurboJpegApi.Exact, memory);
    }

    // Without loss an image of one colour has no bits for a pixel, so that a header alone could ask for all memory.
    private static void CheckWebP(ReadOnlySpan<byte> content, string file, int height, int width)
    {
        if (content.Length < 16 || content[12..16].SequenceEqual("VP8 "u8))
            return;
        var freely = ((long)content.Length * PixelsOfByteWebP) + PixelsOfAnyWebP;
        if ((long)height * width > freely)
            throw new DataFormatException(file, null, $"says {width} x {height} pixels in {content.Length} bytes, at most {freely} are read of so few; it is damaged, or save it as PNG");
    }

    // The fewest bytes that a file with this header can have: one that promises more than it holds is found before memory is taken for it.
    private static long LeastBytes(ReadOnlySpan<byte> content, string kind, int height, int width)
    {
        switch (kind)
        {
            case "PNG":
                var channels = content[25] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
                return (((long)width * channels * content[24]) + 7) / 8 * height / BytesOfByteDeflated;
            case "JPEG":
            case "WebP" when content.Length >= 16 && content[12..16].SequenceEqual("VP8 "u8):
                return (long)height * width / PixelsOfByteLossy;
            // Runs of equal pixels, or each with its bits, a row filled up to four bytes.
            case "BMP" when content.Length >= 34 && BinaryPrimitives.ReadUInt32LittleEndian(content[14..]) >= 40:
                return BinaryPrimitives.ReadUInt32LittleEndian(content[30..]) is 1 or 2
                    ? (long)height * width / PixelsOfByteRuns
                    : (((long)width * BinaryPrimitives.ReadUInt16LittleEndian(content[28..])) + 31) / 32 * 4 * height;
            default:
                return 0;
        }
    }

    private static unsafe Image Grey(SKCodec codec, string file, string kind, Func<int, Memory<byte>> memory)
    {
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Gray8, SKAlphaType.Opaque);
        var pixels = memory(info.Width * info.Height);
        fixed (byte* to = pixels.Span)
            Check(codec.GetPixels(info, (nint)to), file, kind);
        return new Image(info.Height, info.Width, 1, pixels);
    }

    private static unsafe Image Colour(SKCodec codec, string file, string kind, Func<int, Memory<byte>> memory)
    {
        // Not premultiplied, and without a colour space: the stored values.
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        // A JPEG comes in strips that stay in the cache, the others whole.
        var strips = kind == "JPEG";
        if (strips)
            Check(codec.StartScanlineDecode(info), file, kind);
        var rows = strips ? Math.Min(StripRows, info.Height) : info.Height;
        var (wide, narrow) = (info.Width * 4, info.Width * 3);
        _nativeBytes += (long)rows * wide;
        var four = (byte*)NativeMemory.Alloc((nuint)rows, (nuint)wide);
        try
        {
            if (!strips)
                Check(codec.GetPixels(info, (nint)four), file, kind);
            var pixels = memory(info.Height * narrow);
            for (var y = 0; y < info.Height; y += rows)
            {
                var now = Math.Min(rows, info.Height - y);
                if (strips && codec.GetScanlines((nint)four, now, wide) < now)
                    throw Failed(file, kind, SKCodecResult.IncompleteInput);
                DropAlpha(new ReadOnlySpan<byte>(four, now * wide), pixels.Span.Slice(y * narrow, now * narrow));
            }

            return new Image(info.Height, info.Width, 3, pixels);
        }
        finally
        {
            NativeMemory.Free(four);
        }
    }

    private static void DropAlpha(ReadOnlySpan<byte> four, Span<byte> three)
    {
        var order = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        int from = 0, to = 0;
        ref var source = ref MemoryMarshal.GetReference(four);
        ref var target = ref MemoryMarshal.GetReference(three);
        // Sixteen bytes are written where twelve are wanted; the next four pixels overwrite the rest.
        for (; to + Vector128<byte>.Count <= three.Length; from += 16, to += 12)
            Vector128.Shuffle(Vector128.LoadUnsafe(ref source, (nuint)from), order).StoreUnsafe(ref target, (nuint)to);
        for (; to < three.Length; from += 4, to += 3)
        {
            Unsafe.Add(ref target, to) = four[from];
            Unsafe.Add(ref target, to + 1) = four[from + 1];
            Unsafe.Add(ref target, to + 2) = four[from + 2];
        }
    }

    private static void Check(SKCodecResult result, string file, string kind)
    {
        if (result != SKCodecResult.Success)
            throw Failed(file, kind, result);
    }

    private static DataFormatException Failed(string file, string kind, SKCodecResult result) => new(
        file, null, result switch
        {
            SKCodecResult.IncompleteInput => $"is a {kind} image that ends early: the file is cut",
            SKCodecResult.Unimplemented or SKCodecResult.InvalidConversion => $"is a kind of {kind} image that is not read: save it as a plain one",
            _ => $"is a damaged {kind} image ({result})",
        });
}
