using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Batch normalisation of the columns of [rows, channels]: images [n, h, w, c] seen as n h w rows.</summary>
/// <remarks>Rows are cut into chunks of fixed size; the chunks' sums meet in float64, in order.</remarks>
public static unsafe partial class BatchNorm
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    // A chunk is read twice (mean, then deviations) and so has to stay in the second-level cache.
    private const long ChunkValues = 32768;

    /// <summary>Mean and biased variance of each column.</summary>
    /// <param name="x">[rows, channels], at least one row.</param>
    /// <param name="mean">[channels].</param>
    /// <param name="variance">[channels].</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="channels">How many columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Statistics<T>(T* x, T* mean, T* variance, long rows, long channels)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, channels, ChunkValues);
        // Per chunk: its sums, then its squared deviations from its own mean (as rounded to T) and that mean.
        var partials = CpuScratch.Get<double>(CpuScratch.Slot.Reduce, tiles.Count * channels * 3);
        SimdRunner.Run<T, StatisticsJob<T>>(tiles.Count, new StatisticsJob<T>(x, partials, channels, tiles));
        for (var c = 0L; c < channels; c++)
        {
            var sum = 0.0;
            for (var chunk = 0L; chunk < tiles.Count; chunk++)
                sum += partials[chunk * 3 * channels + c];
            var centre = sum / rows;
            // Sum of (x - centre)^2 over a chunk of n, from deviations d = x - m: sum d^2 + 2 (m - centre) sum d + n (m - centre)^2,
            // where sum d = sum x - n m.
            var squares = 0.0;
            for (var chunk = 0L; chunk < tiles.Count; chunk++)
            {
                var partial = partials + chunk * 3 * channels + c;
                var n = tiles.End(chunk) - tiles.Start(chunk);
                var shift = partial[2 * channels] - centre;
                squares += partial[channels] + 2 * shift * (partial[0] - n * partial[2 * channels]) + n * shift * shift;
            }

            mean[c] = Scalar.Narrow<T>(centre);
            variance[c] = Scalar.Narrow<T>(Math.Max(0, squares / rows));
        }
    }

    /// <summary>running += momentum (batch - running), for the mean, and for the variance times <paramref name="correction"/>.</summary>
    /// <param name="mean">[channels], of the batch.</param>
    /// <param name="variance">[channels], of the batch.</param>
    /// <param name="runningMean">[channels], changed.</param>
    /// <param name="runningVariance">[channels], changed.</param>
    /// <param name="momentum">The weight of the batch.</param>
    /// <param name="correction">rows / (rows - 1) for the unbiased variance.</param>
    /// <param name="channels">How many columns.</param>
    public static void Track<T>(
        T* mean, T* variance, T* runningMean, T* runningVariance, double momentum, double correction, long channels)
        where T : unmanaged
    {
        for (var c = 0L; c < channels; c++)
        {
            runningMean[c] = Mix(runningMean[c], Scalar.Wide(mean[c]));
            runningVariance[c] = Mix(runningVariance[c], Scalar.Wide(variance[c]) * correction);
        }

        T Mix(T running, double batch) => Scalar.Narrow<T>((1 - momentum) * Scalar.Wide(running) + momentum * batch);
    }

    /// <summary>y = (x - mean) / sqrt(variance + eps) gamma + beta, or the larger of that and 0.</summary>
    /// <param name="x">[rows, channels].</param>
    /// <param name="mean">[channels].</param>
    /// <param name="variance">[channels].</param>
    /// <param name="gamma">[channels].</param>
    /// <param name="beta">[channels].</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="relu">Whether y is the larger of that and 0.</param>
    /// <param name="y">[rows, channels]; may be <paramref name="x"/>.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="channels">How many columns.</param>
    public static void Normalise<T>(
        T* x, T* mean, T* variance, T* gamma, T* beta, double eps, bool relu, T* y, long rows, long channels)
        where T : unmanaged
    {
        var scale = CpuScratch.Get<T>(CpuScratch.Slot.Reduce, channels);
        Scale(variance, gamma, eps, scale, channels);
        var tiles = new RowTiles(rows, channels, SimdRunner.TileValues);
        if (relu)
            SimdRunner.Run<T, NormaliseJob<T, UnaryFunctions.Relu>>(tiles.Count, new(x, mean, scale, beta, y, channels, tiles));
        else
            SimdRunner.Run<T, NormaliseJob<T, UnaryFunctions.Identity>>(tiles.Count, new(x, mean, scale, beta, y, channels, tiles));
    }

    private static void Scale<T>(T* variance, T* gamma, double eps, T* scale, long channels)
        where T : unmanaged
    {
        for (var c = 0L; c < channels; c++)
            scale[c] = Scalar.Narrow<T>(Scalar.Wide(gamma[c]) / Math.Sqrt(Scalar.Wide(variance[c]) + eps));
    }

    private readonly struct StatisticsJob<T>(T* x, double* partials, long channels, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly double* _partials = partials;
        private readonly long _channels = channels;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            // From the end: a convolution wrote that last, and the normalisation then begins with what was read last here.
            tile = (int)_tiles.Count - 1 - tile;
            var x = _x + _tiles.Start(tile) * _channels;
            var rows = _tiles.End(tile) - _tiles.Start(tile);
            var sum = _partials + tile * 3 * _channels;
            ColumnKernels.Fold<V, T, SumTerm<V, T>>(new(x, _channels), rows, _channels, sum, null);
            // The third of the partials holds the chunk's mean, first as T for the kernel, then widened in place from the end.
            var centre = sum + 2 * _channels;
            var narrow = (T*)centre;
            for (var c = 0L; c < _channels; c++)
                narrow[c] = Scalar.Narrow<T>(sum[c] / rows);
            ColumnKernels.Fold<V, T, SquareTerm<V, T>>(new(x, narrow, _channels), rows, _channels, sum + _channels, null);
            for (var c = _channels - 1; c >= 0; c--)
                centre[c] = Scalar.Wide(narrow[c]);
        }
    }

    private readonly struct SumTerm<V, T>(T* x, long channels) : ColumnKernels.ITerm<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly long _channels = channels;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddTo(ref V first, ref V second, long row, long c, long left) =>
            first += ColumnKernels.Read<V, T>(_x + row * _channels + c, left);
    }

    private readonly struct SquareTerm<V, T>(T* x, T* mean, long channels) : ColumnKernels.ITerm<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _mean = mean;
        private readonly long _channels = channels;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddTo(ref V first, ref V second, long row, long c, long left)
        {
            var deviation = ColumnKernels.Read<V, T>(_x + row * _channels + c, left) - ColumnKernels.Read<V, T>(_mean + c, left);
            first = V.MultiplyAdd(deviation, deviation, first);
        }
    }

    private readonly struct NormaliseJob<T, TFunction>(T* x, T* mean, T* scale, T* beta, T* y, long channels, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly T* _x = x;
        private readonly T* _mean = mean;
        private readonly T* _scale = scale;
        private readonly T* _beta = beta;
        private readonly T* _y = y;
        private readonly long _channels = channels;
        private readonly RowTiles _tiles = tiles;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T> =>
            Rows<V>(_x, _mean, _scale, _beta, _y, _channels, _tiles.Start(tile), _tiles.End(tile));

        [MethodImpl(Hot)]
        private static void Rows<V>(T* x, T* mean, T* scale, T* beta, T* y, long channels, long row, long end)
            where V : unmanaged, ISimd<V, T>
        {
            for (; row < end; row++)
            {
                var from = x + row * channels;
                var to = y + row * channels;
                for (var c = 0L; c < channels; c += V.Count)
                {
                    var n = channels - c;
                    var value = Normalised<V, T>(from + c, mean + c, scale + c, beta + c, n, out _);
                    ColumnKernels.Write<V, T>(TFunction.Forward<V, T>(value), to + c, n);
                }
            }
        }
    }

    // The way back repeats this to see where ReLU let a value through: the bits must be the same.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Normalised<V, T>(T* x, T* mean, T* scale, T* beta, long left, out V deviation)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        deviation = ColumnKernels.Read<V, T>(x, left) - ColumnKernels.Read<V, T>(mean, left);
        return V.MultiplyAdd(deviation, ColumnKernels.Read<V, T>(scale, left), ColumnKernels.Read<V, T>(beta, left));
    }
}
