using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The sizes of a pooling, as kernels take them.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct PoolWindow(
    int Height, int Width, int Channels, int OutHeight, int OutWidth, int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth,
    int PadHeight, int PadWidth);
