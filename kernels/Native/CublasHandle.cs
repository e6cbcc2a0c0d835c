namespace EscNative.Kernels.Cuda;

/// <summary>cuBLAS on a device's stream. The library is optional; <see cref="TryCreate"/> says whether it is there.</summary>
/// <remarks>Without TF32 and with a workspace of its own: F32 is F32, and the same call gives the same bits on the same machine.</remarks>
public sealed unsafe class CublasHandle : CudaResource
{
    // NVIDIA's recommendation for sm_90; elsewhere 4 MiB would do.
    private const int WorkspaceBytes = 32 << 20;
    private const int DefaultAlgorithm = -1;

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
        StorageType type, bool transposeA, bool transposeB, int m, int n, int k, double alpha,
        nint a, int leadingA, long strideA, nint b, int leadingB, long strideB, double beta,
        nint c, int leadingC, long strideC, int batch)
    {
        if (m == 0 || n == 0 || batch == 0)
            return;
        using var call = KernelCall.Begin();
        Context.MakeCurrent();
        var (data, compute) = type switch
        {
            StorageType.F32 => (0, 68),
            StorageType.BF16 => (14, 68),
            _ => (1, 70),
        };
        // Of the compute type: the factors are read now, not when the product is done.
        var (alpha32, beta32) = ((float)alpha, (float)beta);
        var wide = type == StorageType.F64;
        var recording = CudaStream.IsCapturing;
        if (recording)
            _recordLock.Enter();
        try
        {
            if (recording)
                SetStream(_recorder);
            Check(
                CublasApi.cublasGemmStridedBatchedEx(
                    recording ? _recorder : Handle, transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, wide ? &alpha : &alpha32,
                    a, data, leadingA, strideA, b, data, leadingB, strideB, wide ? &beta : &beta32,
                    c, data, leadingC, strideC, batch, compute, DefaultAlgorithm),
                nameof(CublasApi.cublasGemmStridedBatchedEx));
        }
        finally
        {
            if (recording)
                _recordLock.Exit();
        }
    }

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
            1 => "the library is not initialised (1)",
            3 => "out of memory (3)",
            7 => "an argument has no sense (7)",
            8 => "the device's architecture is not supported (8)",
            11 => "memory cannot be reached (11)",
            13 => "the product failed on the device (13)",
            14 => "an internal error (14)",
            15 => "not supported (15)",
            _ => $"status {status}",
        });
    }
}
