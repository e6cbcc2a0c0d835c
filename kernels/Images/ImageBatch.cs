using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The sizes of stored images and of the images made of them, as kernels take them.</summary>
/// <param name="Height">Of a stored image.</param>
/// <param name="Width">Of a stored image.</param>
/// <param name="Channels">Of both.</param>
/// <param name="OutHeight">Of a result.</param>
/// <param name="OutWidth">Of a result.</param>
/// <param name="Images">How many are stored.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ImageBatch(int Height, int Width, int Channels, int OutHeight, int OutWidth, long Images);
