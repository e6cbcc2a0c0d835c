using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Launches of <c>lowrank.cu</c>: erasure operators on rows of features.</summary>
public sealed unsafe class LowRankKernels : KernelFamily
{
    private const int Rows = 8;

    private readonly CudaFunction[] _apply;

    /// <summary>Loads the family.</summary>
    /// <param name="context">The device.</param>
    /// <exception cref="DeviceException">The kernels cannot be compiled or loaded.</exception>
    public LowRankKernels(CudaContext context)
        : base(context, "lowrank")
    {
        _apply = Typed("lowrank");
        foreach (var function in _apply)
            context.AllowSharedBytes(function, context.MaxSharedBytes);
    }

    /// <summary>y = z - L(Rᵀz) + b, or y = L(Rᵀz) + b, for rows z.</summary>
    /// <param name="type">The type of z and y. L, R and b are float32, or float64 for float64 rows.</param>
    /// <param name="z">[n, d]</param>
    /// <param name="left">L: [d, k]</param>
    /// <param name="right">R: [d, k]</param>
    /// <param name="offset">b: [d], or 0.</param>
    /// <param name="y">[n, d]; may be z.</param>
    /// <param name="n">Rows.</param>
    /// <param name="d">Columns.</param>
    /// <param name="k">Directions; 0 leaves z + b.</param>
    /// <param name="keep">Whether z itself stays: false for masks (ESC-T).</param>
    /// <exception cref="UsageException">k coefficients of eight rows do not fit the device's shared memory.</exception>
    public void Apply(DType type, nint z, nint left, nint right, nint offset, nint y, long n, int d, int k, bool keep = true)
    {
        if (n == 0 || d == 0)
            return;
        var bytes = (long)Rows * k * (type == DType.F64 ? sizeof(double) : sizeof(float));
        if (bytes > Context.MaxSharedBytes)
            throw new UsageException($"low-rank erasure on {Context}: got k = {k}, wants at most {Context.MaxSharedBytes * (long)k / bytes} (shared memory); split the operator");
        long columns = d;
        var kept = keep ? 1 : 0;
        void** arguments = stackalloc void*[] { &z, &left, &right, &offset, &y, &n, &columns, &k, &kept };
        Stream.Launch(_apply[(int)type], LaunchShape.ForRows((n + Rows - 1) / Rows, sharedBytes: (uint)bytes), arguments);
    }
}
