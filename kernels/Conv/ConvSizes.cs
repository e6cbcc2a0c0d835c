using System.Runtime.InteropServices;
using EscNative.Kernels.Cpu;

namespace EscNative.Kernels.Cuda;

/// <summary>The sizes of a convolution, as kernels take them: the same bytes as Conv in window.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ConvSizes(
    int Batch, int Height, int Width, int Channels, int OutHeight, int OutWidth, int Outputs, int KernelHeight, int KernelWidth,
    int StrideHeight, int StrideWidth, int PadTop, int PadLeft)
{
    /// <exception cref="DeviceException">The kernels count the values under a window, and the pixels of an image, in 32 bits.</exception>
    public static ConvSizes Of(in ConvShape s)
    {
        var window = (long)s.KernelHeight * s.KernelWidth * Math.Max(s.InChannels, s.OutChannels);
        var pixels = Math.Max((long)s.Height * s.Width, (long)s.OutHeight * s.OutWidth);
        return Math.Max(window, pixels) <= ProductTiles.MostLength
            ? new ConvSizes(
                s.Batch, s.Height, s.Width, s.InChannels, s.OutHeight, s.OutWidth, s.OutChannels, s.KernelHeight, s.KernelWidth, s.StrideH,
                s.StrideW, s.PadTop, s.PadLeft)
            : throw new DeviceException($"Conv2d: got {s}, wants images of at most 2^30 pixels and windows of at most 2^30 values");
    }
}
