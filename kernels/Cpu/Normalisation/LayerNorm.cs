using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Layer normalisation of the rows of [rows, d].</summary>
public static unsafe class LayerNorm
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
    private const long ChunkValues = 32768;

    /// <summary>y = (x - mean) rstd gamma + beta, with each row's own mean and rstd = 1 / sqrt(biased variance + eps).</summary>
    /// <param name="x">[rows, d].</param>
    /// <param name="gamma">[d].</param>
    /// <param name="beta">[d].</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="y">[rows, d]; may be <paramref name="x"/>.</param>
    /// <param name="mean">[rows], for the way back.</param>
    /// <param name="rstd">[rows], for the way back.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="d">Values of a row, 1 or more.</param>
    public static void Forward<T>(T* x, T* gamma, T* beta, double eps, T* y, T* mean, T* rstd, long rows, long d)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, d, ChunkValues);
        SimdRunner.Run<T, ForwardJob<T>>(tiles.Count, new ForwardJob<T>(x, gamma, beta, eps, y, mean, rstd, d, tiles));
    }

    /// <summary>The gradients of <see cref="Forward"/>.</summary>
    /// <remarks>
    /// With h = (x - mean) rstd and g = gamma dy: dx = rstd (g - mean(g) - h mean(g h)), dgamma = sum dy h, dbeta = sum dy.
    /// </remarks>
    /// <param name="x">[rows, d].</param>
    /// <param name="dy">[rows, d].</param>
    /// <param name="gamma">[d].</param>
    /// <param name="mean">[rows].</param>
    /// <param name="rstd">[rows].</param>
    /// <param name="dx">[rows, d]; may be <paramref name="dy"/>.</param>
    /// <param name="dGamma">[d].</param>
    /// <param name="dBeta">[d].</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="d">Values of a row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<T>(T* x, T* dy, T* gamma, T* mean, T* rstd, T* dx, T* dGamma, T* dBeta, long rows, long d)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, d, ChunkValues);
        var partials = CpuScratch.Get<double>(CpuScratch.Slot.Reduce, tiles.Count * 2 * d);
        SimdRunner.Run<T, BackwardJob<T>>(tiles.Count, new BackwardJob<T>(x, dy, gamma, mean, rstd, dx, partials, d, tiles));
        for (var c = 0L; c < d; c++)
        {
            double sum = 0, product = 0;
            for (var chunk = 0L; chunk < tiles.Count; chunk++)
            {
                sum += partials[chunk * 2 * d + c];
                product += partials[(chunk * 2 + 1) * d + c];
            }

            dBeta[c] = Scalar.Narrow<T>(sum);
            dGamma[c] = Scalar.Narrow<T>(product);
        }
    }

    private readonly struct ForwardJob<T>(T* x, T* gamma, T* beta, double eps, T* y, T* mean, T* rstd, long d, RowTiles tiles)
        : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _gamma = gamma;
        private readonly T* _beta = beta;
        private readonly double _eps = eps;
        private readonly T* _y = y;
        private readonly T* _mean = mean;
        private readonly T* _rstd = rstd;
        private readonly long _d = d;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            for (var row = _tiles.Start(tile); row < _tiles.End(tile); row++)
            {
                var x = _x + row * _d;
                _mean[row] = Scalar.Narrow<T>(RowKernels.Fold<Folds.Sum, V, T>(x, _d) / _d);
                var variance = SquaredDeviations<V>(x, _d, _mean[row]) / _d;
                _rstd[row] = Scalar.Narrow<T>(1.0 / Math.Sqrt(variance + _eps));
                Row<V>(x, _gamma, _beta, _y + row * _d, _d, _mean[row], _rstd[row]);
            }
        }

        [MethodImpl(Hot)]
        private static double SquaredDeviations<V>(T* x, long d, T mean)
            where V : unmanaged, ISimd<V, T>
        {
            var centre = V.Create(mean);
            V a = V.Zero, b = V.Zero;
            var i = 0L;
            for (; i <= d - 2 * V.Count; i += 2 * V.Count)
            {
                var first = V.Load(x + i) - centre;
                var second = V.Load(x + i + V.Count) - centre;
                a = V.MultiplyAdd(first, first, a);
                b = V.MultiplyAdd(second, second, b);
            }

            for (; i < d; i += V.Count)
            {
                var n = d - i;
                var deviation = ColumnKernels.Read<V, T>(x + i, n) - centre;
                if (n < V.Count)
                    deviation = V.Keep(deviation, n);
                a = V.MultiplyAdd(deviation, deviation, a);
            }

            return (a + b).SumWide();
        }

        [MethodImpl(Hot)]
        private static void Row<V>(T* x, T* gamma, T* beta, T* y, long d, T mean, T rstd)
            where V : unmanaged, ISimd<V, T>
        {
            var centre = V.Create(mean);
            var scale = V.Create(rstd);
            for (var i = 0L; i < d; i += V.Count)
            {
                var n = d - i;
                var h = (ColumnKernels.Read<V, T>(x + i, n) - centre) * scale;
                var value = V.MultiplyAdd(h, ColumnKernels.Read<V, T>(gamma + i, n), ColumnKernels.Read<V, T>(beta + i, n));
                ColumnKernels.Write<V, T>(value, y + i, n);
            }
        }
    }

    private readonly struct BackwardJob<T>(
        T* x, T* dy, T* gamma, T* mean, T* rstd, T* dx, double* partials, long d, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly T* _gamma = gamma;
        private readonly T* _mean = mean;
        private readonly T* _rstd = rstd;
        private readonly T* _dx = dx;
        private readonly double* _partials = partials;
        private readonly long _d = d;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var start = _tiles.Start(tile);
            var end = _tiles.End(tile);
            // dx may lie over dy: the sums come first.
            var sum = _partials + tile * 2 * _d;
            ColumnKernels.Fold<V, T, GradientTerm<V, T>>(
                new GradientTerm<V, T>(_x + start * _d, _dy + start * _d, _mean + start, _rstd + start, _d), end - start, _d, sum, sum + _d);
            for (var row = start; row < end; row++)
                Row<V>(_x + row * _d, _dy + row * _d, _gamma, _dx + row * _d, _d, _mean[row], _rstd[row]);
        }

        [MethodImpl(Hot)]
        private static void Row<V>(T* x, T* dy, T* gamma, T* dx, long d, T mean, T rstd)
            where V : unmanaged, ISimd<V, T>
        {
            var centre = V.Create(mean);
            var scale = V.Create(rstd);
            V sum = V.Zero, product = V.Zero;
            for (var i = 0L; i < d; i += V.Count)
            {
                // Past the end of the row g is 0, so that h does not matter there.
                var n = d - i;
                var g = ColumnKernels.Read<V, T>(gamma + i, n) * ColumnKernels.Read<V, T>(dy + i, n);
                var h = (ColumnKernels.Read<V, T>(x + i, n) - centre) * scale;
                sum += g;
                product = V.MultiplyAdd(g, h, product);
            }

            var first = V.Constant(sum.SumWide() / d);
            var second = V.Constant(product.SumWide() / d);
            for (var i = 0L; i < d; i += V.Count)
            {
                var n = d - i;
                var g = ColumnKernels.Read<V, T>(gamma + i, n) * ColumnKernels.Read<V, T>(dy + i, n);
                var h = (ColumnKernels.Read<V, T>(x + i, n) - centre) * scale;
                ColumnKernels.Write<V, T>((g - first - h * second) * scale, dx + i, n);
            }
        }
    }

    // dy, and dy (x - mean) rstd.
    private readonly struct GradientTerm<V, T>(T* x, T* dy, T* mean, T* rstd, long d) : ColumnKernels.ITerm<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly T* _mean = mean;
        private readonly T* _rstd = rstd;
        private readonly long _d = d;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddTo(ref V first, ref V second, long row, long c, long left)
        {
            var at = row * _d + c;
            var g = ColumnKernels.Read<V, T>(_dy + at, left);
            var deviation = (ColumnKernels.Read<V, T>(_x + at, left) - V.Create(_mean[row])) * V.Create(_rstd[row]);
            first += g;
            second = V.MultiplyAdd(g, deviation, second);
        }
    }
}
