
namespace EscNative.Kernels.Cuda.Loading;

/// <summary>The native libraries of CUDA that this engine uses.</summary>
internal enum CudaLibrary
{
    Driver,
    Nvrtc,
    Cublas,
    Cusolver,
}
