using System.Runtime.InteropServices;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Cublas;

/// <summary>The entry points of cuBLAS that are called. They return a cublasStatus_t.</summary>
internal static unsafe partial class CublasApi
{
    public const int CUBLAS_OP_N = 0;
    public const int CUBLAS_OP_T = 1;
    public const int CUDA_R_32F = 0;
    public const int CUDA_R_64F = 1;
    public const int CUDA_R_16BF = 14;
    public const int CUBLAS_COMPUTE_32F = 68;
    public const int CUBLAS_COMPUTE_64F = 70;
    public const int CUBLAS_GEMM_DEFAULT = -1;

    public const int CUBLAS_STATUS_NOT_INITIALIZED = 1;
    public const int CUBLAS_STATUS_ALLOC_FAILED = 3;
    public const int CUBLAS_STATUS_INVALID_VALUE = 7;
    public const int CUBLAS_STATUS_ARCH_MISMATCH = 8;
    public const int CUBLAS_STATUS_MAPPING_ERROR = 11;
    public const int CUBLAS_STATUS_EXECUTION_FAILED = 13;
    public const int CUBLAS_STATUS_INTERNAL_ERROR = 14;
    public const int CUBLAS_STATUS_NOT_SUPPORTED = 15;

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
