using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The sizes of a convolution or pooling, as kernels take them: the same bytes as Window in prelude.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct WindowArguments(
    int Batch, int Height, int Width, int Channels, int OutHeight, int OutWidth, int Outputs, int KernelHeight, int KernelWidth,
    int StrideHeight, int StrideWidth, int PadTop, int PadLeft)
{
    public static WindowArguments Of(in WindowShape s) => new(
        s.Batch, s.Height, s.Width, s.InChannels, s.OutHeight, s.OutWidth, s.OutChannels, s.KernelHeight, s.KernelWidth, s.StrideHeight,
        s.StrideWidth, s.PadTop, s.PadLeft);

    /// <exception cref="DeviceException">The kernels count the values under a window, and the pixels of an image, in 32 bits.</exception>
    public static WindowArguments OfConvolution(in WindowShape s)
    {
        var window = (long)s.KernelHeight * s.KernelWidth * Math.Max(s.InChannels, s.OutChannels);
        var pixels = Math.Max((long)s.Height * s.Width, (long)s.OutHeight * s.OutWidth);
        return Math.Max(window, pixels) <= ProductTiles.MostLength
            ? Of(s)
            : throw new DeviceException($"Conv2d: got {s}, wants images of at most 2^30 pixels and windows of at most 2^30 values");
    }
}
