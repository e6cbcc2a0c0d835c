using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The entry points of cuBLAS that are called. They return a cublasStatus_t.</summary>
internal static unsafe partial class CublasApi
{
    private const string Cublas = NativeLibraries.Cublas;

    [LibraryImport(Cublas)]
    public static partial int cublasCreate_v2(nint* handle);

    [LibraryImport(Cublas)]
    public static partial int cublasDestroy_v2(nint handle);

    [LibraryImport(Cublas)]
    public static partial int cublasGetVersion_v2(nint handle, int* version);

    [LibraryImport(Cublas)]
    public static partial int cublasSetStream_v2(nint handle, nint stream);

    [LibraryImport(Cublas)]
    public static partial int cublasSetWorkspace_v2(nint handle, nint workspace, nuint bytes);

    [LibraryImport(Cublas)]
    public static partial int cublasGemmStridedBatchedEx(
        nint handle, int transposeA, int transposeB, int m, int n, int k, void* alpha,
        nint a, int typeA, int leadingA, long strideA, nint b, int typeB, int leadingB, long strideB, void* beta,
        nint c, int typeC, int leadingC, long strideC, int batch, int computeType, int algorithm);
}
