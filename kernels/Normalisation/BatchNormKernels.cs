using System.Numerics;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Batch normalisation over the columns of x [rows, channels] on a GPU. Statistics and parameters are float32, or float64
/// for float64 values.</summary>
public sealed unsafe class BatchNormKernels : KernelFamily
{
    private const uint Block = 256;
    private const int MaxWidth = 32;

    // Rows of a chunk, and the most chunks, of a sum over the rows.
    private const long ChunkRows = 256;
    private const long MaxChunks = 1024;

    private readonly CudaFunction[] _statistics;
    private readonly CudaFunction[] _normalise;
    private readonly CudaFunction[] _gradient;
    private readonly CudaFunction[] _backward;
    private readonly CudaFunction[] _combine;
    private readonly CudaFunction[] _combineGradient;
    private readonly CudaFunction[] _track;

    /// <summary>Loads the kernels.</summary>
    public BatchNormKernels(CudaContext context)
        : base(context, "batchnorm")
    {
        _statistics = Typed("batch_statistics");
        _normalise = Typed("batch_normalise");
        _gradient = Typed("batch_norm_gradient");
        _backward = Typed("batch_norm_backward");
        _combine = Accumulated("batch_statistics_combine");
        _combineGradient = Accumulated("batch_norm_gradient_combine");
        _track = Accumulated("track_statistics");
    }

    /// <summary>Bytes of workspace for <see cref="Statistics"/> and <see cref="Backward"/>.</summary>
    public static long WorkspaceBytes(DType type, long rows, long channels) =>
        4 * Chunks(rows).Count * channels * (type == DType.F64 ? sizeof(double) : sizeof(float));

    /// <summary>Mean and biased variance of each column.</summary>
    /// <param name="x">[rows, channels]; rows is 1 or more.</param>
    /// <param name="mean">[channels].</param>
    /// <param name="variance">[channels].</param>
    /// <param name="workspace">Of <see cref="WorkspaceBytes"/>.</param>
    /// <param name="meanRest">[channels] or 0: what the type of the statistics cannot hold of the mean.</param>
    /// <param name="deviation">[channels] or 0: the root of the variance, for variances that the type cannot hold.</param>
    public void Statistics(
        DType type, nint x, nint mean, nint variance, long rows, long channels, nint workspace, nint meanRest = 0, nint deviation = 0)
    {
        if (channels == 0)
            return;
        var ((chunk, chunks), width) = (Chunks(rows), Width(channels));
        void** arguments = stackalloc void*[] { &x, &workspace, &rows, &channels, &chunk, &width };
        Stream.Launch(_statistics[(int)type], new LaunchShape((uint)chunks, Tiles(channels, width), 1, Block), arguments);
        void** combine = stackalloc void*[] { &workspace, &mean, &variance, &meanRest, &deviation, &chunks, &channels, &width };
        Stream.Launch(_combine[(int)type], new LaunchShape(1, Tiles(channels, width), 1, Block), combine);
    }

    /// <summary>y = (x - mean) / √(variance + eps) gamma + beta, rectified where <paramref name="relu"/>.</summary>
    /// <param name="x">[rows, channels].</param>
    /// <param name="y">[rows, channels]; may be <paramref name="x"/>.</param>
    /// <param name="meanRest">Of <see cref="Statistics"/>, or 0.</param>
    /// <param name="deviation">Of <see cref="Statistics"/>, or 0.</param>
    public void Normalise(
        DType type, nint x, nint mean, nint variance, nint gamma, nint beta, double eps, bool relu, nint y, long rows, long channels,
        nint meanRest = 0, nint deviation = 0)
    {
        if (rows * channels == 0)
            return;
        var (eps32, flag, width) = ((float)eps, relu ? 1 : 0, Width(channels));
        void* e = type == DType.F64 ? &eps : &eps32;
        void** arguments = stackalloc void*[] { &x, &mean, &variance, &meanRest, &deviation, &gamma, &beta, e, &flag, &y, &rows, &channels, &width };
        Stream.Launch(_normalise[(int)type], Rows(rows, channels, width), arguments);
    }

    /// <summary>The gradients, where mean and variance were the batch's own (<paramref name="own"/>) or constants.</summary>
    /// <param name="dx">[rows, channels]; may be <paramref name="dy"/>.</param>
    /// <param name="workspace">Of <see cref="WorkspaceBytes"/>.</param>
    /// <param name="meanRest">Of <see cref="Statistics"/>, or 0.</param>
    /// <param name="deviation">Of <see cref="Statistics"/>, or 0.</param>
    public void Backward(
        DType type, nint x, nint dy, nint mean, nint variance, nint gamma, nint beta, double eps, bool relu, bool own,
        nint dx, nint dGamma, nint dBeta, long rows, long channels, nint workspace, nint meanRest = 0, nint deviation = 0)
    {
        if (channels == 0)
            return;
        var (eps32, flag, ownFlag, width) = ((float)eps, relu ? 1 : 0, own ? 1 : 0, Width(channels));
        var (chunk, chunks) = Chunks(rows);
        void* e = type == DType.F64 ? &eps : &eps32;
        void** gradient = stackalloc void*[] { &x, &dy, &mean, &variance, &meanRest, &deviation, &gamma, &beta, e, &flag, &workspace, &rows, &channels, &chunk, &width };
        Stream.Launch(_gradient[(int)type], new LaunchShape((uint)chunks, Tiles(channels, width), 1, Block), gradient);
        CombineGradient(type, workspace, dGamma, dBeta, chunks, channels);
        if (rows == 0)
            return;
        void** backward = stackalloc void*[]
        {
            &x, &dy, &mean, &variance, &meanRest, &deviation, &gamma, &beta, e, &flag, &ownFlag, &dGamma, &dBeta, &dx, &rows, &channels, &width,
        };
        Stream.Launch(_backward[(int)type], Rows(rows, channels, width), backward);
    }

    /// <summary>running += momentum (batch - running), for the mean and for the variance times <paramref name="correction"/>.</summary>
    public void Track(
        DType type, nint mean, nint variance, nint runningMean, nint runningVariance, double momentum, double correction, long channels)
    {
        if (channels == 0)
            return;
        var (momentum32, correction32) = ((float)momentum, (float)correction);
        void* m = type == DType.F64 ? &momentum : &momentum32, c = type == DType.F64 ? &correction : &correction32;
        void** arguments = stackalloc void*[] { &mean, &variance, &runningMean, &runningVariance, m, c, &channels };
        Stream.Launch(_track[(int)type], LaunchShape.ForCount(channels), arguments);
    }

    /// <summary>Sums the chunks' gradients in order; layer normalisation has the same two sums.</summary>
    /// <param name="partial">[2, chunks, channels]: of beta, then of gamma.</param>
    internal void CombineGradient(DType type, nint partial, nint dGamma, nint dBeta, long chunks, long channels)
    {
        void** arguments = stackalloc void*[] { &partial, &dGamma, &dBeta, &chunks, &channels };
        Stream.Launch(_combineGradient[(int)type], new LaunchShape((uint)((channels + Block - 1) / Block), 1, 1, Block), arguments);
    }

    private static (long Rows, long Count) Chunks(long rows)
    {
        var chunks = Math.Clamp((rows + ChunkRows - 1) / ChunkRows, 1, MaxChunks);
        return (Math.Max((rows + chunks - 1) / chunks, 1), chunks);
    }

    private static int Width(long channels) => (int)Math.Min(MaxWidth, BitOperations.RoundUpToPowerOf2((ulong)channels));

    private static uint Tiles(long channels, int width) => (uint)((channels + width - 1) / width);

    private static LaunchShape Rows(long rows, long channels, int width)
    {
        // Some rows a thread, so that what a column needs is loaded once for several values.
        const long rowsPerThread = 8;
        var perBlock = Block / width * rowsPerThread;
        return new LaunchShape((uint)Math.Clamp((rows + perBlock - 1) / perBlock, 1, Math.Min(LaunchShape.MostBlocks, 1 << 16)), Tiles(channels, width), 1, Block);
    }

    // For float32 and bfloat16 alike the sums are float32.
    private CudaFunction[] Accumulated(string stem)
    {
        var (single, wide) = (Function(stem + "_f32"), Function(stem + "_f64"));
        return [single, single, wide];
    }
}
