using System.Runtime.InteropServices;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Nvtx;

/// <summary>The entry points of NVTX that are called. They return the depth of the range, or a negative number.</summary>
internal static unsafe partial class NvtxApi
{
    private const string Nvtx = NativeLibraries.Nvtx;

    [LibraryImport(Nvtx)]
    public static partial int nvtxRangePushA(byte* text);

    [LibraryImport(Nvtx)]
    public static partial int nvtxRangePop();
}
