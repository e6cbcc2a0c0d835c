using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>Which stored image comes into a batch, and how it is changed, as kernels take it.</summary>
/// <param name="Index">The stored image.</param>
/// <param name="Mirror">1 to mirror it, else 0.</param>
/// <param name="Down">Rows by which the crop starts below the image's first.</param>
/// <param name="Right">Columns by which the crop starts right of the image's first.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ImageChange(int Index, int Mirror, int Down, int Right);
