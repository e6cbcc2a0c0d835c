using System.Diagnostics;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace EscNative.Images;

/// <summary>The TurboJPEG of the system, which decodes JPEG images with SIMD code. Nothing needs it: without it SkiaSharp gives the same pixels.</summary>
public static class TurboJpegLibrary
{
    /// <summary>The variable of the environment that says what decodes JPEG images: <c>skia</c>, <c>turbojpeg</c> (which must be there then), or nothing.</summary>
    public const string ChoiceVariable = "ESC_JPEG";

    /// <summary>The variable that names the only folders to search.</summary>
    public const string PathVariable = "ESC_TURBOJPEG_PATH";

    private static readonly Lazy<(TurboJpegApi? Api, TurboJpegFinding Finding)> Found = new(() => Search(Places()));

    /// <summary>What was found, or every path that was tried.</summary>
    public static TurboJpegFinding Finding => Found.Value.Finding;

    internal static TurboJpegApi? Api => Found.Value.Api;

    /// <summary>Takes the first library that can be loaded and gives SkiaSharp's pixels.</summary>
    /// <param name="places">Files, those without a folder on the loader's path.</param>
    internal static (TurboJpegApi? Api, TurboJpegFinding Finding) Search(IEnumerable<string> places)
    {
        var tried = new List<string>();
        string? problem = null;
        foreach (var place in places)
        {
            var isBare = !Path.IsPathFullyQualified(place);
            if (!isBare && !File.Exists(place))
            {
                tried.Add(place);
                continue;
            }

            if (!TryLoad(place, out var library, out var reason))
            {
                tried.Add(isBare ? $"{place} on the loader's path" : $"{place}: {reason}");
                problem ??= isBare ? null : $"{place} cannot be loaded: {reason}";
                continue;
            }

            var path = isBare ? PathOfLoaded(place) : place;
            var api = TurboJpegApi.Of(library, out var lack);
            lack ??= Disagreement(api!, TurboJpegApi.Exact);
            if (lack is null)
                return (api, new TurboJpegFinding(path, api!.Version, [.. tried, path], null));
            tried.Add($"{path}: {lack}");
            problem ??= $"{path} {lack}";
            NativeLibrary.Free(library);
        }

        return (null, new TurboJpegFinding(null, 0, tried, problem ?? "not found"));
    }

    /// <summary>How the library's pixels differ from SkiaSharp's on small images of the usual kinds, or null where they do not.</summary>
    /// <param name="api">The library.</param>
    /// <param name="flags">How it decodes.</param>
    internal static string? Disagreement(TurboJpegApi api, int flags)
    {
        try
        {
            var skia = new SkiaImageDecoder(JpegLibrary.Skia);
            foreach (var (name, colours, sampling) in (ReadOnlySpan<(string, SKColorType, SKJpegEncoderDownsample)>)
                [("grey", SKColorType.Gray8, SKJpegEncoderDownsample.Downsample444), ("4:4:4", SKColorType.Rgba8888, SKJpegEncoderDownsample.Downsample444), ("4:2:2", SKColorType.Rgba8888, SKJpegEncoderDownsample.Downsample422), ("4:2:0", SKColorType.Rgba8888, SKJpegEncoderDownsample.Downsample420)])
            {
                var content = Sample(colours, sampling);
                var wanted = skia.Decode(content, name);
                if (api.Decode(content, JpegFrame.Read(content), flags, length => new byte[length]) is not { } got || !got.Pixels.Span.SequenceEqual(wanted.Pixels.Span))
                    return $"does not give SkiaSharp's pixels ({name})";
            }

            return null;
        }
        catch (Exception cause) when (cause is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException)
        {
            return "cannot be compared with SkiaSharp, whose native library cannot be loaded";
        }
    }

    // Every quarter of a block matters, at the edges too.
    private static byte[] Sample(SKColorType colours, SKJpegEncoderDownsample sampling)
    {
        using var bitmap = new SKBitmap(37, 29, colours, SKAlphaType.Opaque);
        var pixels = bitmap.GetPixelSpan();
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((i * 37) ^ (i * i / 19) ^ (i >> 3));
        using var map = bitmap.PeekPixels();
        using var data = map!.Encode(new SKJpegEncoderOptions(90, sampling, SKJpegEncoderAlphaOption.Ignore));
        return data!.ToArray();
    }

    private static IEnumerable<string> Places()
    {
        string[] names = OperatingSystem.IsWindows() ? ["turbojpeg.dll", "libturbojpeg.dll"] : OperatingSystem.IsMacOS() ? ["libturbojpeg.dylib", "libturbojpeg.0.dylib"] : ["libturbojpeg.so.0", "libturbojpeg.so"];
        string[] folders = Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } only ? [.. only.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(Path.GetFullPath)]
            // Where libjpeg-turbo's own packages and Homebrew put it.
            : OperatingSystem.IsWindows() ? ["", @"C:\libjpeg-turbo64\bin", @"C:\libjpeg-turbo-gcc64\bin"]
            : OperatingSystem.IsMacOS() ? ["", "/opt/homebrew/opt/jpeg-turbo/lib", "/usr/local/opt/jpeg-turbo/lib", "/opt/libjpeg-turbo/lib"]
            : ["", "/opt/libjpeg-turbo/lib64"];
        return folders.SelectMany(folder => names.Select(name => Path.Combine(folder, name)));
    }

    private static bool TryLoad(string place, out nint library, out string reason)
    {
        (library, reason) = (0, "");
        try
        {
            // On Windows a bare name must not be found in the working folder, where anyone may have put it; elsewhere nobody looks there.
            library = Path.IsPathFullyQualified(place) || !OperatingSystem.IsWindows()
                ? NativeLibrary.Load(place)
                : NativeLibrary.Load(place, typeof(TurboJpegLibrary).Assembly, DllImportSearchPath.SafeDirectories);
            return true;
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
        {
            reason = failure.Message.Trim().ReplaceLineEndings("; ");
            return false;
        }
    }

    // The loader does not say where it found a bare name; the process's list of files does.
    private static string PathOfLoaded(string name)
    {
        var stem = name[..name.IndexOf('.', StringComparison.Ordinal)];
        using var process = Process.GetCurrentProcess();
        return process.Modules.Cast<ProcessModule>().Select(module => module.FileName).FirstOrDefault(file => Path.GetFileName(file).StartsWith(stem, StringComparison.OrdinalIgnoreCase)) ?? name;
    }
}
