using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Batch normalisation of the columns of [rows, channels]: images [n, h, w, c] seen as n h w rows.</summary>
/// <remarks>Rows are cut into chunks of fixed size; the chunks' sums meet in float64, in order.</remarks>
public static unsafe class BatchNorm
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

    /// <summary>y = (x - mean) / sqrt(variance + eps) gamma + beta.</summary>
    /// <param name="x">[rows, channels].</param>
    /// <param name="mean">[channels].</param>
    /// <param name="variance">[channels].</param>
    /// <param name="gamma">[channels].</param>
    /// <param name="beta">[channels].</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="y">[rows, channels]; may be <paramref name="x"/>.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="channels">How many columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalise<T>(
        T* x, T* mean, T* variance, T* gamma, T* beta, double eps, T* y, long rows, long channels)
        where T : unmanaged
    {
        var scale = CpuScratch.Get<T>(CpuScratch.Slot.Reduce, channels);
        for (var c = 0L; c < channels; c++)
            scale[c] = Scalar.Narrow<T>(Scalar.Wide(gamma[c]) / Math.Sqrt(Scalar.Wide(variance[c]) + eps));
        var tiles = new RowTiles(rows, channels, SimdRunner.TileValues);
        SimdRunner.Run<T, NormaliseJob<T>>(tiles.Count, new NormaliseJob<T>(x, mean, scale, beta, y, channels, tiles));
    }

    /// <summary>The gradients of <see cref="Normalise"/>.</summary>
    /// <remarks>
    /// With h = (x - mean) rstd: dbeta = sum dy, dgamma = sum dy h. Where mean and variance were the batch's own
    /// dx = gamma rstd (dy - dbeta / rows - h dgamma / rows), where they were constants dx = gamma rstd dy.
    /// </remarks>
    /// <param name="x">[rows, channels].</param>
    /// <param name="dy">[rows, channels].</param>
    /// <param name="mean">[channels].</param>
    /// <param name="variance">[channels].</param>
    /// <param name="gamma">[channels].</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="ownStatistics">Whether mean and variance came from x.</param>
    /// <param name="dx">[rows, channels]; may be <paramref name="dy"/>.</param>
    /// <param name="dGamma">[channels].</param>
    /// <param name="dBeta">[channels].</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="channels">How many columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<T>(
        T* x, T* dy, T* mean, T* variance, T* gamma, double eps, bool ownStatistics, T* dx, T* dGamma, T* dBeta, long rows,
        long channels)
        where T : unmanaged
    {
        var chunks = new RowTiles(rows, channels, ChunkValues);
        var bytes = chunks.Count * 2 * channels * sizeof(double);
        var partials = (double*)CpuScratch.Get(CpuScratch.Slot.Reduce, bytes + 3 * channels * sizeof(T));
        var factors = (T*)((byte*)partials + bytes);
        SimdRunner.Run<T, GradientJob<T>>(chunks.Count, new GradientJob<T>(x, dy, mean, partials, channels, chunks));
        // dx = a dy + b (x - mean) + c.
        for (var c = 0L; c < channels; c++)
        {
            double sum = 0, product = 0;
            for (var chunk = 0L; chunk < chunks.Count; chunk++)
            {
                sum += partials[chunk * 2 * channels + c];
                product += partials[(chunk * 2 + 1) * channels + c];
            }

            var rstd = 1.0 / Math.Sqrt(Scalar.Wide(variance[c]) + eps);
            var scale = Scalar.Wide(gamma[c]) * rstd;
            dBeta[c] = Scalar.Narrow<T>(sum);
            dGamma[c] = Scalar.Narrow<T>(product * rstd);
            factors[c] = Scalar.Narrow<T>(scale);
            factors[channels + c] = Scalar.Narrow<T>(ownStatistics ? -scale * rstd * rstd * product / rows : 0);
            factors[2 * channels + c] = Scalar.Narrow<T>(ownStatistics ? -scale * sum / rows : 0);
        }

        var tiles = new RowTiles(rows, channels, SimdRunner.TileValues);
        SimdRunner.Run<T, InputGradientJob<T>>(tiles.Count, new InputGradientJob<T>(x, dy, mean, factors, dx, channels, tiles));
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
            var x = _x + _tiles.Start(tile) * _channels;
            var rows = _tiles.End(tile) - _tiles.Start(tile);
            var sum = _partials + tile * 3 * _channels;
            ColumnKernels.Sum<V, T>(x, rows, _channels, sum);
            // The third of the partials holds the chunk's mean, first as T for the kernel, then widened in place from the end.
            var centre = sum + 2 * _channels;
            var narrow = (T*)centre;
            for (var c = 0L; c < _channels; c++)
                narrow[c] = Scalar.Narrow<T>(sum[c] / rows);
            ColumnKernels.SquaredDeviations<V, T>(x, rows, _channels, narrow, sum + _channels);
            for (var c = _channels - 1; c >= 0; c--)
                centre[c] = Scalar.Wide(narrow[c]);
        }
    }

    private readonly struct NormaliseJob<T>(T* x, T* mean, T* scale, T* beta, T* y, long channels, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
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
                var c = 0L;
                for (; c <= channels - V.Count; c += V.Count)
                    V.MultiplyAdd(V.Load(from + c) - V.Load(mean + c), V.Load(scale + c), V.Load(beta + c)).Store(to + c);
                if (c < channels)
                {
                    var n = channels - c;
                    V.MultiplyAdd(V.LoadPartial(from + c, n) - V.LoadPartial(mean + c, n), V.LoadPartial(scale + c, n), V.LoadPartial(beta + c, n))
                        .StorePartial(to + c, n);
                }
            }
        }
    }

    private readonly struct GradientJob<T>(T* x, T* dy, T* mean, double* partials, long channels, RowTiles chunks) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly T* _mean = mean;
        private readonly double* _partials = partials;
        private readonly long _channels = channels;
        private readonly RowTiles _chunks = chunks;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var start = _chunks.Start(tile);
            var sum = _partials + tile * 2 * _channels;
            ColumnKernels.Gradients<V, T>(
                _x + start * _channels, _dy + start * _channels, _chunks.End(tile) - start, _channels, _mean, sum, sum + _channels);
        }
    }

    private readonly struct InputGradientJob<T>(T* x, T* dy, T* mean, T* factors, T* dx, long channels, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly T* _mean = mean;
        private readonly T* _factors = factors;
        private readonly T* _dx = dx;
        private readonly long _channels = channels;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            for (var row = _tiles.Start(tile); row < _tiles.End(tile); row++)
            {
                var at = row * _channels;
                Row<V>(_x + at, _dy + at, _mean, _factors, _factors + _channels, _factors + 2 * _channels, _dx + at, _channels);
            }
        }

        [MethodImpl(Hot)]
        private static void Row<V>(T* x, T* dy, T* mean, T* a, T* b, T* c, T* dx, long channels)
            where V : unmanaged, ISimd<V, T>
        {
            for (var i = 0L; i < channels; i += V.Count)
            {
                var n = channels - i;
                var deviation = ColumnKernels.Read<V, T>(x + i, n) - ColumnKernels.Read<V, T>(mean + i, n);
                var rest = V.MultiplyAdd(ColumnKernels.Read<V, T>(b + i, n), deviation, ColumnKernels.Read<V, T>(c + i, n));
                var value = V.MultiplyAdd(ColumnKernels.Read<V, T>(a + i, n), ColumnKernels.Read<V, T>(dy + i, n), rest);
                ColumnKernels.Write<V, T>(value, dx + i, n);
            }
        }
    }
}
