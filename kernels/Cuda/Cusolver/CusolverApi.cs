using System.Runtime.InteropServices;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Cusolver;

/// <summary>The entry points of cuSOLVER that are called, as they are. They return a cusolverStatus_t. Matrices are column-major.</summary>
internal static unsafe partial class CusolverApi
{
    public const int CUSOLVER_EIG_MODE_VECTOR = 1;
    public const int CUBLAS_FILL_MODE_LOWER = 0;

    public const int CUSOLVER_STATUS_NOT_INITIALIZED = 1;
    public const int CUSOLVER_STATUS_ALLOC_FAILED = 2;
    public const int CUSOLVER_STATUS_INVALID_VALUE = 3;
    public const int CUSOLVER_STATUS_ARCH_MISMATCH = 4;
    public const int CUSOLVER_STATUS_EXECUTION_FAILED = 6;
    public const int CUSOLVER_STATUS_INTERNAL_ERROR = 7;

    private const string Cusolver = NativeLibraries.Cusolver;

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnCreate(nint* handle);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnSetStream(nint handle, nint stream);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnDgesvd_bufferSize(nint handle, int m, int n, int* lwork);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnDgesvd(
        nint handle, sbyte jobu, sbyte jobvt, int m, int n, nint a, int lda, nint s, nint u, int ldu, nint vt, int ldvt, nint work, int lwork,
        nint rwork, nint info);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnCreateGesvdjInfo(nint* parameters);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnDestroyGesvdjInfo(nint parameters);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnXgesvdjSetTolerance(nint parameters, double tolerance);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnXgesvdjSetMaxSweeps(nint parameters, int sweeps);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnXgesvdjGetSweeps(nint handle, nint parameters, int* sweeps);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnDgesvdj_bufferSize(
        nint handle, int jobz, int econ, int m, int n, nint a, int lda, nint s, nint u, int ldu, nint v, int ldv, int* lwork, nint parameters);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnDgesvdj(
        nint handle, int jobz, int econ, int m, int n, nint a, int lda, nint s, nint u, int ldu, nint v, int ldv, nint work, int lwork, nint info,
        nint parameters);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnDsyevd_bufferSize(nint handle, int jobz, int uplo, int n, nint a, int lda, nint w, int* lwork);

    [LibraryImport(Cusolver)]
    public static partial int cusolverDnDsyevd(
        nint handle, int jobz, int uplo, int n, nint a, int lda, nint w, nint work, int lwork, nint info);
}
