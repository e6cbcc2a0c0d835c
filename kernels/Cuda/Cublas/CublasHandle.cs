using EscNative.Kernels.Cuda.Driver;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Cublas;

/// <summary>cuBLAS on a device's stream. The library is optional; <see cref="TryCreate"/> says whether it is there.</summary>
/// <remarks>Without TF32 and with a workspace of its own: F32 is F32, and the same call gives the same bits on the same machine.</remarks>
public sealed unsafe class CublasHandle : CudaResource
{
    // NVIDIA's recommendation for sm_90; elsewhere 4 MiB would do.
    private const int WorkspaceBytes = 32 << 20;

    private readonly CudaDeviceVariable<byte> _workspace;

    // A handle issues on one stream, and a graph is recorded on one of its own: another handle, lest what other threads issue
    // meanwhile is recorded too. One workspace does for both: what was recorded runs on the device's stream like all the rest.
    private readonly Lock _recordLock = new();
    private readonly nint _recorder;

    /// <summary>A handle.</summary>
    /// <exception cref="DeviceException">cuBLAS is not there, with every path tried, or does not start.</exception>
    public CublasHandle(CudaContext context)
        : base(context)
    {
        if (CudaRuntime.Load(CudaLibrary.Cublas) is (0, var finding))
            throw new DeviceException($"{context}: {CudaRuntime.Explain(finding)}");
        using var call = KernelCall.Begin();
        context.MakeCurrent();
        _workspace = new CudaDeviceVariable<byte>(context, WorkspaceBytes, "cuBLAS workspace");
        try
        {
            Handle = Create();
            _recorder = Create();
            SetStream(Handle);
            int version;
            Check(CublasApi.cublasGetVersion_v2(Handle, &version), nameof(CublasApi.cublasGetVersion_v2));
            Version = new Version(version / 10000, version % 10000 / 100, version % 100);
        }
        catch
        {
            Dispose();
            _workspace.Dispose();
            throw;
        }
    }

    /// <summary>The version of the library.</summary>
    public Version Version { get; }

    /// <summary>A handle, or null where the library is missing; other failures throw.</summary>
    /// <exception cref="DeviceException">cuBLAS is there but does not start.</exception>
    public static CublasHandle? TryCreate(CudaContext context) =>
        CudaRuntime.Load(CudaLibrary.Cublas).Handle == 0 ? null : new CublasHandle(context);

    /// <summary>c[i] = alpha op(a[i]) op(b[i]) + beta c[i] for i &lt; batch, column-major: op(a) is [m, k], op(b) [k, n], c [m, n].</summary>
    /// <param name="type">The type of all three; sums are F32, or F64 for F64.</param>
    /// <param name="leadingA">Values from one column of a to the next.</param>
    /// <param name="strideA">Values from one matrix of a to the next; 0 uses the same one for all.</param>
    /// <exception cref="DeviceException">cuBLAS refuses the call, or the device is lost.</exception>
    public void Gemm(
        DType type, bool transposeA, bool transposeB, int m, int n, int k, double alpha,
        nint a, int leadingA, long strideA, nint b, int leadingB, long strideB, double beta,
        nint c, int leadingC, long strideC, int batch)
    {
        if (m == 0 || n == 0 || batch == 0)
            return;
        using var call = KernelCall.Begin();
        Context.MakeCurrent();
        var (data, compute) = type switch
        {
            DType.F32 => (CublasApi.CUDA_R_32F, CublasApi.CUBLAS_COMPUTE_32F),
            DType.BF16 => (CublasApi.CUDA_R_16BF, CublasApi.CUBLAS_COMPUTE_32F),
            _ => (CublasApi.CUDA_R_64F, CublasApi.CUBLAS_COMPUTE_64F),
        };
        // Of the compute type: the factors are read now, not when the product is done.
        var (alpha32, beta32) = ((float)alpha, (float)beta);
        var wide = type == DType.F64;
        var recording = CudaStream.IsCapturing;
        if (recording)
            _recordLock.Enter();
        try
        {
            if (recording)
                SetStream(_recorder);
            Check(
                CublasApi.cublasGemmStridedBatchedEx(
                    recording ? _recorder : Handle, Operation(transposeA), Operation(transposeB), m, n, k, wide ? &alpha : &alpha32,
                    a, data, leadingA, strideA, b, data, leadingB, strideB, wide ? &beta : &beta32,
                    c, data, leadingC, strideC, batch, compute, CublasApi.CUBLAS_GEMM_DEFAULT),
                nameof(CublasApi.cublasGemmStridedBatchedEx));
        }
        finally
        {
            if (recording)
            {
                // The stream of the recording is destroyed with its end; cuBLAS may look at the one that it left when it takes another.
                _ = CublasApi.cublasSetStream_v2(_recorder, Context.Stream.Handle);
                _recordLock.Exit();
            }
        }
    }

    private static int Operation(bool transpose) => transpose ? CublasApi.CUBLAS_OP_T : CublasApi.CUBLAS_OP_N;

    private protected override void Free(nint handle)
    {
        _ = CublasApi.cublasDestroy_v2(handle);
        if (_recorder != 0)
            _ = CublasApi.cublasDestroy_v2(_recorder);
        _workspace.Dispose();
    }

    private nint Create()
    {
        nint handle;
        Check(CublasApi.cublasCreate_v2(&handle), nameof(CublasApi.cublasCreate_v2));
        return handle;
    }

    private void SetStream(nint handle)
    {
        // In this order: setting the stream takes a workspace away.
        Check(CublasApi.cublasSetStream_v2(handle, Context.Stream.Target), nameof(CublasApi.cublasSetStream_v2));
        Check(CublasApi.cublasSetWorkspace_v2(handle, _workspace.Pointer, WorkspaceBytes), nameof(CublasApi.cublasSetWorkspace_v2));
    }

    private void Check(int status, string call)
    {
        if (status == 0)
            return;
        throw new DeviceException($"{Context}: {call} failed: " + status switch
        {
            CublasApi.CUBLAS_STATUS_NOT_INITIALIZED => "the library is not initialised (1)",
            CublasApi.CUBLAS_STATUS_ALLOC_FAILED => "out of memory (3)",
            CublasApi.CUBLAS_STATUS_INVALID_VALUE => "an argument is invalid (7)",
            CublasApi.CUBLAS_STATUS_ARCH_MISMATCH => "the device's architecture is not supported (8)",
            CublasApi.CUBLAS_STATUS_MAPPING_ERROR => "memory cannot be reached (11)",
            CublasApi.CUBLAS_STATUS_EXECUTION_FAILED => "the product failed on the device (13)",
            CublasApi.CUBLAS_STATUS_INTERNAL_ERROR => "an internal error (14)",
            CublasApi.CUBLAS_STATUS_NOT_SUPPORTED => "not supported (15)",
            _ => $"status {status}",
        });
    }
}
