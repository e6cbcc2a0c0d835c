using EscNative.Kernels.Cuda.Driver;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Nvtx;

/// <summary>Names a stretch of the calling thread's work on the timeline of NVIDIA's profilers (NVTX). Without that library it does nothing.</summary>
public readonly ref struct CudaRange : IDisposable
{
    private static readonly bool IsShown = CudaRuntime.IsAvailable && CudaRuntime.Load(CudaLibrary.Nvtx).Handle != 0;

    /// <summary>Begins the stretch, which <see cref="Dispose"/> ends.</summary>
    /// <param name="name">A UTF-8 literal (<c>"forward"u8</c>): the compiler ends those with the zero that NVTX wants.</param>
    public unsafe CudaRange(ReadOnlySpan<byte> name)
    {
        if (!IsShown)
            return;
        fixed (byte* text = name)
            _ = NvtxApi.nvtxRangePushA(text);
    }

    /// <summary>Ends the stretch.</summary>
    public void Dispose()
    {
        if (IsShown)
            _ = NvtxApi.nvtxRangePop();
    }
}
