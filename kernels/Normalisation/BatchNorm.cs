using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Batch normalisation of the columns of [rows, channels]: images [n, h, w, c] seen as n h w rows.</summary>
/// <remarks>Rows are cut into chunks of fixed size; the chunks' sums meet in float64, in order.</remarks>
public static unsafe partial class BatchNorm
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    // A chunk is read twice (mean, then deviations) and so has to stay in the second-level cache.
    private const long ChunkValues = 32768;

    // Below this a sum of squares in float32 has lost terms to the smallest number that float32 has.
    private const double SmallestSquares = 1e-30;

    /// <summary>Mean and biased variance of each column.</summary>
    /// <param name="x">[rows, channels], at least one row.</param>
    /// <param name="mean">[channels].</param>
    /// <param name="variance">[channels].</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="channels">How many columns.</param>
    /// <param name="meanRest">[channels] or null: what <typeparamref name="T"/> cannot hold of the mean.</param>
    /// <param name="deviation">[channels] or null: the root of the variance, for variances that <typeparamref name="T"/> cannot hold.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Statistics<T>(T* x, T* mean, T* variance, long rows, long channels, T* meanRest = null, T* deviation = null)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, channels, ChunkValues);
        // Per chunk: sums of deviations from the chunk's mean (as rounded to T), of their squares, and that mean.
        var partials = CpuScratch.Get<double>(CpuScratch.Slot.Reduce, tiles.Count * channels * 3);
        SimdRunner.Run<T, StatisticsJob<T>>(tiles.Count, new StatisticsJob<T>(x, partials, channels, tiles));
        for (var c = 0L; c < channels; c++)
        {
            // Means and sums of squared deviations of two parts become those of both (Chan, Golub and LeVeque 1979).
            double count = 0, centre = 0, squares = 0;
            for (var chunk = 0L; chunk < tiles.Count; chunk++)
            {
                var partial = partials + chunk * 3 * channels + c;
                var n = tiles.End(chunk) - tiles.Start(chunk);
                var shift = partial[0] / n;
                var delta = partial[2 * channels] + shift - centre;
                count += n;
                centre += delta * (n / count);
                squares += Math.Max(0, partial[channels] - partial[0] * shift) + delta * delta * (count - n) * (n / count);
            }

            mean[c] = Scalar.Narrow<T>(centre);
            variance[c] = Scalar.Narrow<T>(squares / rows);
            if (meanRest != null)
                meanRest[c] = Scalar.Narrow<T>(centre - Scalar.Wide(mean[c]));
            if (deviation != null)
                deviation[c] = Scalar.Narrow<T>(Math.Sqrt(squares / rows));
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
    /// <param name="meanRest">[channels] of <see cref="Statistics"/>, or null for zeros.</param>
    /// <param name="deviation">[channels] of <see cref="Statistics"/>, or null for the root of the variance.</param>
    public static void Normalise<T>(
        T* x, T* mean, T* variance, T* gamma, T* beta, double eps, bool relu, T* y, long rows, long channels, T* meanRest = null,
        T* deviation = null)
        where T : unmanaged
    {
        var scale = CpuScratch.Get<T>(CpuScratch.Slot.Reduce, 3 * channels);
        var shift = scale + channels;
        var centre = shift + channels;
        var unit = Unit(mean, variance, deviation, eps, channels);
        Scale(mean, variance, deviation, meanRest, gamma, beta, eps, unit, centre, scale, shift, channels);
        var tiles = new RowTiles(rows, channels, SimdRunner.TileValues);
        if (relu)
            SimdRunner.Run<T, NormaliseJob<T, UnaryFunctions.Relu>>(tiles.Count, new(x, unit, centre, scale, shift, y, channels, tiles));
        else
            SimdRunner.Run<T, NormaliseJob<T, UnaryFunctions.Identity>>(tiles.Count, new(x, unit, centre, scale, shift, y, channels, tiles));
    }

    // The unit of all columns: small where one has values whose differences, or their sums, leave the range of T.
    private static double Unit<T>(T* mean, T* variance, T* deviation, double eps, long channels)
        where T : unmanaged
    {
        for (var c = 0L; c < channels; c++)
        {
            if (DeviationUnit.Of<T>(Scalar.Wide(mean[c]), InverseDeviation(variance, deviation, eps, c)) is var unit and not 1)
                return unit;
        }

        return 1;
    }

    // y = (x unit + centre) scale + shift, of which x unit + centre = (x - mean) unit: what T cannot hold of the mean goes into the shift.
    private static void Scale<T>(
        T* mean, T* variance, T* deviation, T* meanRest, T* gamma, T* beta, double eps, double unit, T* centre, T* scale, T* shift, long channels)
        where T : unmanaged
    {
        for (var c = 0L; c < channels; c++)
        {
            var factor = Scalar.Wide(gamma[c]) * InverseDeviation(variance, deviation, eps, c);
            centre[c] = Scalar.Narrow<T>(-Scalar.Wide(mean[c]) * unit);
            scale[c] = Scalar.Narrow<T>(factor / unit);
            shift[c] = beta == null ? default : meanRest == null ? beta[c] : Scalar.Narrow<T>(Scalar.Wide(beta[c]) - factor * Scalar.Wide(meanRest[c]));
        }
    }

    private static double InverseDeviation<T>(T* variance, T* deviation, double eps, long c)
        where T : unmanaged
    {
        var square = deviation == null ? Scalar.Wide(variance[c]) : Scalar.Wide(deviation[c]) * Scalar.Wide(deviation[c]);
        return 1.0 / Math.Sqrt(square + eps);
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
            // The third of the partials holds the chunk's mean, first as T for the kernel, then widened in place from the end. Its sum is
            // of differences to the first row: equal values have no deviation, and a large mean costs no digits.
            var centre = sum + 2 * _channels;
            var narrow = (T*)centre;
            ColumnKernels.Reduce<V, T, SumTerm<V, T>>(new(x, _x, _channels), rows, _channels, sum, null);
            for (var c = 0L; c < _channels; c++)
                narrow[c] = Scalar.Narrow<T>(Scalar.Wide(_x[c]) + sum[c] / rows);
            ColumnKernels.Reduce<V, T, SquareTerm<V, T>>(new(x, narrow, _channels), rows, _channels, sum, sum + _channels);
            for (var c = _channels - 1; c >= 0; c--)
            {
                centre[c] = Scalar.Wide(narrow[c]);
                // Squares that left the range of float32, or drowned below it.
                if (typeof(T) == typeof(float) && !(sum[_channels + c] <= float.MaxValue && sum[_channels + c] >= SmallestSquares))
                    Wide(x + c, rows, sum + c);
            }
        }

        // The same three numbers of one column, from deviations in float64.
        private void Wide(T* x, long rows, double* partial)
        {
            double sum = 0, squares = 0;
            var origin = Scalar.Wide(x[0]);
            for (var row = 0L; row < rows; row++)
                sum += Scalar.Wide(x[row * _channels]) - origin;
            var shift = sum / rows;
            for (var row = 0L; row < rows; row++)
            {
                var deviation = Scalar.Wide(x[row * _channels]) - origin - shift;
                squares += deviation * deviation;
            }

            partial[0] = 0;
            partial[_channels] = squares;
            partial[2 * _channels] = origin + shift;
        }
    }

    private readonly struct SumTerm<V, T>(T* x, T* origin, long channels) : ColumnKernels.ITerm<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _origin = origin;
        private readonly long _channels = channels;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddTo(ref V first, ref V second, long row, long c, long left) =>
            first += ColumnKernels.Read<V, T>(_x + row * _channels + c, left) - ColumnKernels.Read<V, T>(_origin + c, left);
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
            first += deviation;
            second = V.MultiplyAdd(deviation, deviation, second);
        }
    }

    private readonly struct NormaliseJob<T, TFunction>(T* x, double unit, T* centre, T* scale, T* beta, T* y, long channels, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly T* _x = x;
        private readonly double _unit = unit;
        private readonly T* _centre = centre;
        private readonly T* _scale = scale;
        private readonly T* _beta = beta;
        private readonly T* _y = y;
        private readonly long _channels = channels;
        private readonly RowTiles _tiles = tiles;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T> =>
            Rows<V>(_x, _unit, _centre, _scale, _beta, _y, _channels, _tiles.Start(tile), _tiles.End(tile));

        [MethodImpl(Hot)]
        private static void Rows<V>(T* x, double unit, T* centre, T* scale, T* beta, T* y, long channels, long row, long end)
            where V : unmanaged, ISimd<V, T>
        {
            var units = V.Constant(unit);
            for (; row < end; row++)
            {
                var from = x + row * channels;
                var to = y + row * channels;
                for (var c = 0L; c < channels; c += V.Count)
                {
                    var n = channels - c;
                    var value = Normalised<V, T>(from + c, units, centre + c, scale + c, beta + c, n, out _);
                    ColumnKernels.Write<V, T>(TFunction.Forward<V, T>(value), to + c, n);
                }
            }
        }
    }

    // The way back repeats this to see where ReLU let a value through: the bits must be the same.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Normalised<V, T>(T* x, V unit, T* centre, T* scale, T* beta, long left, out V deviation)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        deviation = V.MultiplyAdd(ColumnKernels.Read<V, T>(x, left), unit, ColumnKernels.Read<V, T>(centre, left));
        return V.MultiplyAdd(deviation, ColumnKernels.Read<V, T>(scale, left), ColumnKernels.Read<V, T>(beta, left));
    }
}
