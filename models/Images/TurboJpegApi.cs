using System.Runtime.InteropServices;
using EscNative.Models.Data;

namespace EscNative.Images;

/// <summary>The functions of TurboJPEG that decode, which versions 2 and 3 share. Safe for concurrent use.</summary>
internal sealed unsafe class TurboJpegApi
{
    /// <summary>No faster transform with other pixels; the first warning ends the decoding.</summary>
    public const int Exact = AccurateDct | StopOnWarning;

    /// <summary>Other pixels: neighbours repeated instead of weighed, for the test of the test.</summary>
    public const int FastUpsample = 256;

    private const int AccurateDct = 4096;
    private const int StopOnWarning = 8192;
    private const int Rgb = 0;
    private const int Grey = 6;
    private const int ColoursYCbCr = 1;
    private const int ColoursGrey = 2;

    private readonly delegate* unmanaged[Cdecl]<nint> _create;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroy;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, CULong, int*, int*, int*, int*, int> _header;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, CULong, byte*, int, int, int, int, int, int> _decompress;

    private TurboJpegApi(nint create, nint destroy, nint header, nint decompress, int version)
    {
        _create = (delegate* unmanaged[Cdecl]<nint>)create;
        _destroy = (delegate* unmanaged[Cdecl]<nint, int>)destroy;
        _header = (delegate* unmanaged[Cdecl]<nint, byte*, CULong, int*, int*, int*, int*, int>)header;
        _decompress = (delegate* unmanaged[Cdecl]<nint, byte*, CULong, byte*, int, int, int, int, int, int>)decompress;
        Version = version;
    }

    /// <summary>2 or 3.</summary>
    public int Version { get; }

    /// <summary>The functions of a loaded library.</summary>
    /// <param name="library">Its handle.</param>
    /// <param name="problem">Why it cannot be used, or null.</param>
    public static TurboJpegApi? Of(nint library, out string? problem)
    {
        problem = null;
        // The errors' codes came with 2.0.
        foreach (var name in (ReadOnlySpan<string>)["tjInitDecompress", "tjDestroy", "tjDecompressHeader3", "tjDecompress2", "tjGetErrorCode"])
        {
            if (!NativeLibrary.TryGetExport(library, name, out _))
            {
                problem = $"has no function {name}: TurboJPEG 2 or newer is wanted";
                return null;
            }
        }

        return new TurboJpegApi(
            NativeLibrary.GetExport(library, "tjInitDecompress"),
            NativeLibrary.GetExport(library, "tjDestroy"),
            NativeLibrary.GetExport(library, "tjDecompressHeader3"),
            NativeLibrary.GetExport(library, "tjDecompress2"),
            NativeLibrary.TryGetExport(library, "tj3Init", out _) ? 3 : 2);
    }

    /// <summary>Decodes an image whose markers say how large it is.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="frame">What its markers say: a usual image.</param>
    /// <param name="flags">How; <see cref="Exact"/> but in tests.</param>
    /// <param name="memory">Gives memory for the pixels.</param>
    /// <returns>The image, or null where the library refuses, warns, or reads the header otherwise: another decoder has to say what it is.</returns>
    public Image? Decode(ReadOnlySpan<byte> content, in JpegFrame frame, int flags, Func<int, Memory<byte>> memory)
    {
        // Its own for each image: that costs less than a microsecond, and nothing is kept or shared.
        var handle = _create();
        if (handle == 0)
            return null;
        try
        {
            fixed (byte* file = content)
            {
                var length = new CULong((nuint)content.Length);
                int width, height, subsampling, colours;
                if (_header(handle, file, length, &width, &height, &subsampling, &colours) != 0
                    || (height, width) != (frame.Height, frame.Width) || colours is not (ColoursGrey or ColoursYCbCr))
                    return null;
                var channels = colours == ColoursGrey ? 1 : 3;
                var pixels = memory(height * width * channels);
                fixed (byte* to = pixels.Span)
                {
                    return _decompress(handle, file, length, to, width, width * channels, height, channels == 1 ? Grey : Rgb, flags) == 0
                        ? new Image(height, width, channels, pixels)
                        : null;
                }
            }
        }
        finally
        {
            _ = _destroy(handle);
        }
    }
}
