using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Layer normalisation over the rows of x [rows, d] on a GPU. Statistics and parameters are float32, or float64 for float64
/// values.</summary>
public sealed unsafe class LayerNormKernels : KernelFamily
{
    private const long ChunkRows = 64;
    private const long MaxChunks = 256;

    private readonly BatchNormKernels _batchNorm;
    private readonly CudaFunction[] _forward;
    private readonly CudaFunction[] _backward;
    private readonly CudaFunction[] _gradient;

    /// <summary>Loads the kernels.</summary>
    /// <param name="context">The GPU.</param>
    /// <param name="batchNorm">Sums the parameters' gradients.</param>
    public LayerNormKernels(CudaContext context, BatchNormKernels batchNorm)
        : base(context, "layernorm")
    {
        _batchNorm = batchNorm;
        _forward = Typed("layer_norm");
        _backward = Typed("layer_norm_backward");
        _gradient = Typed("layer_norm_gradient");
    }

    /// <summary>Bytes of workspace for <see cref="Backward"/>.</summary>
    public static long WorkspaceBytes(DType type, long rows, long d) =>
        2 * Chunks(rows) * d * (type == DType.F64 ? sizeof(double) : sizeof(float));

    /// <summary>y = (x - mean) rstd gamma + beta.</summary>
    /// <param name="x">[rows, d].</param>
    /// <param name="y">[rows, d]; may be <paramref name="x"/>.</param>
    /// <param name="mean">[rows], or 0 where nobody wants it.</param>
    /// <param name="rstd">[rows], or 0 where nobody wants it.</param>
    /// <param name="meanRest">[rows], or 0 where nobody wants it: what the type of the statistics cannot hold of the mean.</param>
    public void Forward(DType type, nint x, nint gamma, nint beta, double eps, nint y, nint mean, nint rstd, long rows, long d, nint meanRest = 0)
    {
        if (rows * d == 0)
            return;
        var (eps32, threads) = ((float)eps, RowGroups.Threads(d));
        void* e = type == DType.F64 ? &eps : &eps32;
        void** arguments = stackalloc void*[] { &x, &gamma, &beta, e, &y, &mean, &meanRest, &rstd, &rows, &d, &threads };
        Stream.Launch(_forward[(int)type], RowGroups.Shape(rows, threads), arguments);
    }

    /// <summary>The gradients.</summary>
    /// <param name="dx">[rows, d]; may be <paramref name="dy"/>.</param>
    /// <param name="workspace">Of <see cref="WorkspaceBytes"/>.</param>
    /// <param name="meanRest">Of <see cref="Forward"/>, or 0.</param>
    public void Backward(
        DType type, nint x, nint dy, nint gamma, nint mean, nint rstd, nint dx, nint dGamma, nint dBeta, long rows, long d, nint workspace,
        nint meanRest = 0)
    {
        if (d == 0)
            return;
        var (chunks, threads) = (Chunks(rows), RowGroups.Threads(d));
        var chunk = (rows + chunks - 1) / chunks;
        void** gradient = stackalloc void*[] { &x, &dy, &mean, &meanRest, &rstd, &workspace, &rows, &d, &chunk, &chunks };
        Stream.Launch(_gradient[(int)type], LaunchShape.ForCount(chunks * d), gradient);
        _batchNorm.CombineGradient(type, workspace, dGamma, dBeta, chunks, d);
        if (rows == 0)
            return;
        // Last: dx may take the place of dy.
        void** backward = stackalloc void*[] { &x, &dy, &gamma, &mean, &meanRest, &rstd, &dx, &rows, &d, &threads };
        Stream.Launch(_backward[(int)type], RowGroups.Shape(rows, threads), backward);
    }

    private static long Chunks(long rows) => Math.Clamp((rows + ChunkRows - 1) / ChunkRows, 1, MaxChunks);
}
