using System.Runtime.CompilerServices;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Cusolver;

/// <summary>cuSOLVER on one device: decompositions in float64. All matrices are column-major; every call waits for its result's
/// status, and a status that is not success is an exception.</summary>
/// <remarks>The library is optional: <see cref="Of"/> says what to install where it is missing.</remarks>
public sealed unsafe class CusolverHandle
{
    private const int Vectors = CusolverApi.CUSOLVER_EIG_MODE_VECTOR;
    private const int Lower = CusolverApi.CUBLAS_FILL_MODE_LOWER;

    // Like contexts, they live as long as the process: making one takes longer than a decomposition.
    private static readonly ConditionalWeakTable<CudaContext, CusolverHandle> Handles = [];

    private readonly CudaContext _context;
    private readonly nint _handle;

    // The library wants one thread at a time for a handle.
    private readonly Lock _call = new();

    private CusolverHandle(CudaContext context)
    {
        _context = context;
        if (UnavailableReason is { } reason)
            throw new DeviceException($"{context}: {reason}; or choose the solver subspace-iteration, which does not need it");
        try
        {
            context.MakeCurrent();
            nint handle;
            Check(CusolverApi.cusolverDnCreate(&handle));
            Check(CusolverApi.cusolverDnSetStream(handle, context.Stream.Handle));
            _handle = handle;
        }
        catch (EntryPointNotFoundException wrong)
        {
            throw new DeviceException($"{context}: the library that was loaded as cuSOLVER is not one, or one before CUDA 11.8: {wrong.Message}", wrong);
        }
    }

    /// <summary>Why cuSOLVER cannot be used here, with every path tried and the fix; null where it can.</summary>
    public static string? UnavailableReason =>
        CudaRuntime.Load(CudaLibrary.Cusolver) is (0, var finding) ? CudaRuntime.Explain(finding) : null;

    /// <summary>The handle of a device, made the first time.</summary>
    /// <exception cref="DeviceException">cuSOLVER is missing or does not start, with the fix.</exception>
    public static CusolverHandle Of(CudaContext context) => Handles.GetValue(context, static c => new CusolverHandle(c));

    /// <summary>A = U S Vᵀ by bidiagonalisation and QR (gesvd): the reference.</summary>
    /// <param name="m">Rows, at least n.</param>
    /// <param name="n">Columns, 1 or more.</param>
    /// <param name="a">[m, n]; destroyed.</param>
    /// <param name="s">[n], receives the singular values, descending.</param>
    /// <param name="u">[m, n], receives the left singular vectors, or 0.</param>
    /// <param name="vt">[n, n], receives the right singular vectors, one a row, or 0.</param>
    /// <exception cref="UsageException">m is less than n.</exception>
    /// <exception cref="EscException">No convergence.</exception>
    /// <exception cref="DeviceException">The library refuses, or the device is lost.</exception>
    public void Gesvd(int m, int n, nint a, nint s, nint u, nint vt)
    {
        using var call = KernelCall.Begin();
        Tall("gesvd", m, n);
        using var only = _call.EnterScope();
        _context.MakeCurrent();
        int size;
        Check(CusolverApi.cusolverDnDgesvd_bufferSize(_handle, m, n, &size));
        using var work = Work("gesvd", size);
        using var info = new CudaDeviceVariable<int>(_context, 1, "gesvd");
        Check(CusolverApi.cusolverDnDgesvd(
            _handle, Job(u), Job(vt), m, n, a, m, s, u, m, vt, n, work.Pointer, size, 0, info.Pointer));
        Converged("gesvd", info);
    }

    /// <summary>A = U S Vᵀ by one-sided Jacobi (gesvdj), with LAPACK's accuracy.</summary>
    /// <param name="m">Rows, at least n.</param>
    /// <param name="n">Columns, 1 or more.</param>
    /// <param name="a">[m, n]; destroyed.</param>
    /// <param name="s">[n], receives the singular values, descending.</param>
    /// <param name="u">[m, n], receives the left singular vectors.</param>
    /// <param name="v">[n, n], receives the right singular vectors, one a column.</param>
    /// <returns>Sweeps.</returns>
    /// <exception cref="UsageException">m is less than n.</exception>
    /// <exception cref="EscException">No convergence.</exception>
    /// <exception cref="DeviceException">The library refuses, or the device is lost.</exception>
    public int Gesvdj(int m, int n, nint a, nint s, nint u, nint v)
    {
        using var call = KernelCall.Begin();
        // Far beyond the usual six to ten: the library ends by itself when the rotations are rounding.
        const int mostSweeps = 100;
        Tall("gesvdj", m, n);
        using var only = _call.EnterScope();
        _context.MakeCurrent();
        nint parameters;
        Check(CusolverApi.cusolverDnCreateGesvdjInfo(&parameters));
        try
        {
            int size, sweeps;
            Check(CusolverApi.cusolverDnXgesvdjSetTolerance(parameters, Math.ScaleB(1, -52)));
            Check(CusolverApi.cusolverDnXgesvdjSetMaxSweeps(parameters, mostSweeps));
            Check(CusolverApi.cusolverDnDgesvdj_bufferSize(_handle, Vectors, 1, m, n, a, m, s, u, m, v, n, &size, parameters));
            using var work = Work("gesvdj", size);
            using var info = new CudaDeviceVariable<int>(_context, 1, "gesvdj");
            Check(CusolverApi.cusolverDnDgesvdj(_handle, Vectors, 1, m, n, a, m, s, u, m, v, n, work.Pointer, size, info.Pointer, parameters));
            Converged("gesvdj", info);
            Check(CusolverApi.cusolverDnXgesvdjGetSweeps(_handle, parameters, &sweeps));
            return sweeps;
        }
        finally
        {
            _ = CusolverApi.cusolverDnDestroyGesvdjInfo(parameters);
        }
    }

    /// <summary>All eigenpairs of a symmetric matrix by divide and conquer (syevd).</summary>
    /// <param name="n">The size, 1 or more.</param>
    /// <param name="a">[n, n]; receives the eigenvectors, one a column.</param>
    /// <param name="w">[n], receives the eigenvalues, ascending.</param>
    /// <exception cref="EscException">No convergence.</exception>
    /// <exception cref="DeviceException">The library refuses, or the device is lost.</exception>
    public void Syevd(int n, nint a, nint w)
    {
        using var call = KernelCall.Begin();
        using var only = _call.EnterScope();
        _context.MakeCurrent();
        int size;
        Check(CusolverApi.cusolverDnDsyevd_bufferSize(_handle, Vectors, Lower, n, a, n, w, &size));
        using var work = Work("syevd", size);
        using var info = new CudaDeviceVariable<int>(_context, 1, "syevd");
        Check(CusolverApi.cusolverDnDsyevd(_handle, Vectors, Lower, n, a, n, w, work.Pointer, size, info.Pointer));
        Converged("syevd", info);
    }

    private static sbyte Job(nint vectors) => (sbyte)(vectors == 0 ? 'N' : 'S');

    private static void Tall(string call, int m, int n)
    {
        if (n < 1 || m < n)
            throw new UsageException($"{call}: got {m} x {n}, wants at least one column and no fewer rows: decompose the transpose");
    }

    private CudaDeviceVariable<double> Work(string call, int size) => size >= 0
        ? new CudaDeviceVariable<double>(_context, Math.Max(size, 1), $"{call} on {_context}")
        : throw new DeviceException($"{_context}: {call} asks for {size} values of workspace: the matrix is too large for the library");

    private void Converged(string call, CudaDeviceVariable<int> info)
    {
        int value;
        info.CopyToHost(new Span<int>(&value, 1));
        if (value < 0)
            throw new DeviceException($"{_context}: {call} refuses its argument {-value}");
        if (value > 0)
            throw new EscException(ErrorCode.Internal, $"{call} on {_context} did not converge (info = {value}); choose another solver");
    }

    private void Check(int status, [CallerArgumentExpression(nameof(status))] string call = "")
    {
        if (status == 0)
            return;
        call = call[(nameof(CusolverApi).Length + 1)..call.IndexOf('(', StringComparison.Ordinal)];
        throw new DeviceException(
            $"{_context}: {call} failed: {Text(status)}", code: status == CusolverApi.CUSOLVER_STATUS_ALLOC_FAILED ? ErrorCode.OutOfResources : ErrorCode.Device);
    }

    private static string Text(int status) => status switch
    {
        CusolverApi.CUSOLVER_STATUS_NOT_INITIALIZED => "CUSOLVER_STATUS_NOT_INITIALIZED (1): cuSOLVER does not start on this device",
        CusolverApi.CUSOLVER_STATUS_ALLOC_FAILED => "CUSOLVER_STATUS_ALLOC_FAILED (2): out of device memory; use the solver subspace-iteration, or free memory",
        CusolverApi.CUSOLVER_STATUS_INVALID_VALUE => "CUSOLVER_STATUS_INVALID_VALUE (3)",
        CusolverApi.CUSOLVER_STATUS_ARCH_MISMATCH => "CUSOLVER_STATUS_ARCH_MISMATCH (4): the library does not support this device",
        CusolverApi.CUSOLVER_STATUS_EXECUTION_FAILED => "CUSOLVER_STATUS_EXECUTION_FAILED (6)",
        CusolverApi.CUSOLVER_STATUS_INTERNAL_ERROR => "CUSOLVER_STATUS_INTERNAL_ERROR (7)",
        _ => $"cusolverStatus_t {status}",
    };
}
