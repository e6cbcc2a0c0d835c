using System.Runtime.InteropServices;
using EscNative.Kernels.Cpu;

namespace EscNative.Kernels.Cuda;

/// <summary>The sizes of a convolution, as kernels take them: the same bytes as Conv in window.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ConvSizes(
    int Batch, int Height, int Width, int Channels, int OutHeight, int OutWidth, int Outputs, int KernelHeight, int KernelWidth,
    int StrideHeight, int StrideWidth, int PadTop, int PadLeft)
{
    /// <exception cref="DeviceException">The kernels count the values under a window, and those of an image's row, in 32 bits.</exception>
    public static ConvSizes Of(in ConvShape s)
    {
        var window = (long)s.KernelHeight * s.KernelWidth * Math.Max(s.InChannels, s.OutChannels);
        return Math.Max(window, (long)s.OutHeight * s.OutWidth) < int.MaxValue && (long)s.Height * s.Width < int.MaxValue
            ? new ConvSizes(
                s.Batch, s.Height, s.Width, s.InChannels, s.OutHeight, s.OutWidth, s.OutChannels, s.KernelHeight, s.KernelWidth, s.StrideH,
                s.StrideW, s.PadTop, s.PadLeft)
            : throw new DeviceException($"Conv2d: got {s}, wants images of fewer than 2^31 pixels and windows of fewer than 2^31 values");
    }
}
