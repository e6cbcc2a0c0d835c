using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Layer normalisation of the rows of [rows, d].</summary>
public static unsafe class LayerNorm
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
    private const long ChunkValues = 32768;

    // Deviations added in T before their sums go to float64, as in RowKernels.
    private const long DeviationBlock = 1024;

    // A centre so many deviations from the mean (squared) costs three bits of the variance, and is not near enough beyond.
    private const double FarSquare = 4;

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
    /// <param name="meanRest">[rows] or null: what <typeparamref name="T"/> cannot hold of the mean, for the way back.</param>
    public static void Forward<T>(T* x, T* gamma, T* beta, double eps, T* y, T* mean, T* rstd, long rows, long d, T* meanRest = null)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, d, ChunkValues);
        SimdRunner.Run<T, ForwardJob<T>>(tiles.Count, new ForwardJob<T>(x, gamma, beta, eps, y, mean, meanRest, rstd, d, tiles));
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
    /// <param name="meanRest">[rows] of <see cref="Forward"/>, or null for zeros.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<T>(
        T* x, T* dy, T* gamma, T* mean, T* rstd, T* dx, T* dGamma, T* dBeta, long rows, long d, T* meanRest = null)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, d, ChunkValues);
        var partials = CpuScratch.Get<double>(CpuScratch.Slot.Reduce, tiles.Count * 2 * d);
        SimdRunner.Run<T, BackwardJob<T>>(tiles.Count, new BackwardJob<T>(x, dy, gamma, mean, meanRest, rstd, dx, partials, d, tiles));
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

    private readonly struct ForwardJob<T>(
        T* x, T* gamma, T* beta, double eps, T* y, T* mean, T* meanRest, T* rstd, long d, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _gamma = gamma;
        private readonly T* _beta = beta;
        private readonly double _eps = eps;
        private readonly T* _y = y;
        private readonly T* _mean = mean;
        private readonly T* _meanRest = meanRest;
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
                var (mean, variance) = Moments<V>(x, _d, _eps);
                _mean[row] = Scalar.Narrow<T>(mean);
                _rstd[row] = Scalar.Narrow<T>(1.0 / Math.Sqrt(variance + _eps));
                var rest = Scalar.Narrow<T>(mean - Scalar.Wide(_mean[row]));
                if (_meanRest != null)
                    _meanRest[row] = rest;
                Row<V>(x, _gamma, _beta, _y + row * _d, _d, _mean[row], rest, _rstd[row]);
            }
        }

        // Mean and biased variance. Deviations from a value of the row itself: equal values deviate by nothing, and a large mean costs
        // no digits. Where the row's first value lies far off, they are taken again from what it gave as the mean.
        private static (double Mean, double Variance) Moments<V>(T* x, long d, double eps)
            where V : unmanaged, ISimd<V, T>
        {
            var centre = x[0];
            for (var pass = 0; ; pass++)
            {
                var squares = Deviations<V>(x, d, centre, out var sum);
                var shift = sum / d;
                var mean = Scalar.Wide(centre) + shift;
                var variance = Math.Max(0, squares / d - shift * shift);
                if (!Representable<T>(squares, eps))
                    return WideMoments(x, d);
                if (pass == 1 || shift * shift <= FarSquare * variance || squares == 0)
                    return (mean, variance);
                centre = Scalar.Narrow<T>(mean);
            }
        }

        private static (double Mean, double Variance) WideMoments(T* x, long d)
        {
            double sum = 0, squares = 0;
            var origin = Scalar.Wide(x[0]);
            for (var i = 0L; i < d; i++)
                sum += Scalar.Wide(x[i]) - origin;
            var shift = sum / d;
            for (var i = 0L; i < d; i++)
            {
                var deviation = Scalar.Wide(x[i]) - origin - shift;
                squares += deviation * deviation;
            }

            return (origin + shift, squares / d);
        }

        // The sums of x - centre and of its square; blocks of them go to float64.
        [MethodImpl(Hot)]
        private static double Deviations<V>(T* x, long d, T centre, out double sum)
            where V : unmanaged, ISimd<V, T>
        {
            var origin = V.Create(centre);
            double first = 0, second = 0;
            for (var i = 0L; i < d;)
            {
                var end = Math.Min(d, i + DeviationBlock);
                V a = V.Zero, b = V.Zero, sumA = V.Zero, sumB = V.Zero;
                for (; i <= end - 2 * V.Count; i += 2 * V.Count)
                {
                    var left = V.Load(x + i) - origin;
                    var right = V.Load(x + i + V.Count) - origin;
                    sumA += left;
                    sumB += right;
                    a = V.MultiplyAdd(left, left, a);
                    b = V.MultiplyAdd(right, right, b);
                }

                for (; i < end; i += V.Count)
                {
                    var n = end - i;
                    var deviation = ColumnKernels.Read<V, T>(x + i, n) - origin;
                    if (n < V.Count)
                        deviation = V.Keep(deviation, n);
                    sumA += deviation;
                    a = V.MultiplyAdd(deviation, deviation, a);
                }

                i = end;
                first += (sumA + sumB).SumWide();
                second += (a + b).SumWide();
            }

            sum = first;
            return second;
        }

        [MethodImpl(Hot)]
        private static void Row<V>(T* x, T* gamma, T* beta, T* y, long d, T mean, T rest, T rstd)
            where V : unmanaged, ISimd<V, T>
        {
            var row = new Standard<V, T>(mean, rest, rstd);
            for (var i = 0L; i < d; i += V.Count)
            {
                var n = d - i;
                var h = row.Of(ColumnKernels.Read<V, T>(x + i, n));
                var value = V.MultiplyAdd(h, ColumnKernels.Read<V, T>(gamma + i, n), ColumnKernels.Read<V, T>(beta + i, n));
                ColumnKernels.Write<V, T>(value, y + i, n);
            }
        }
    }

    private readonly struct BackwardJob<T>(
        T* x, T* dy, T* gamma, T* mean, T* meanRest, T* rstd, T* dx, double* partials, long d, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly T* _gamma = gamma;
        private readonly T* _mean = mean;
        private readonly T* _meanRest = meanRest;
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
            ColumnKernels.Reduce<V, T, GradientTerm<V, T>>(
                new GradientTerm<V, T>(_x + start * _d, _dy + start * _d, _mean + start, _meanRest == null ? null : _meanRest + start, _rstd + start, _d), end - start, _d,
                sum, sum + _d);
            for (var row = start; row < end; row++)
                Row<V>(_x + row * _d, _dy + row * _d, _gamma, _dx + row * _d, _d, _mean[row], _meanRest == null ? default : _meanRest[row], _rstd[row]);
        }

        [MethodImpl(Hot)]
        private static void Row<V>(T* x, T* dy, T* gamma, T* dx, long d, T mean, T rest, T rstd)
            where V : unmanaged, ISimd<V, T>
        {
            var row = new Standard<V, T>(mean, rest, rstd);
            var scale = V.Create(rstd);
            V sum = V.Zero, product = V.Zero;
            for (var i = 0L; i < d; i += V.Count)
            {
                // Past the end of the row g is 0, so that h does not matter there.
                var n = d - i;
                var g = ColumnKernels.Read<V, T>(gamma + i, n) * ColumnKernels.Read<V, T>(dy + i, n);
                var h = row.Of(ColumnKernels.Read<V, T>(x + i, n));
                sum += g;
                product = V.MultiplyAdd(g, h, product);
            }

            var first = V.Constant(sum.SumWide() / d);
            var second = V.Constant(product.SumWide() / d);
            for (var i = 0L; i < d; i += V.Count)
            {
                var n = d - i;
                var g = ColumnKernels.Read<V, T>(gamma + i, n) * ColumnKernels.Read<V, T>(dy + i, n);
                var h = row.Of(ColumnKernels.Read<V, T>(x + i, n));
                ColumnKernels.Write<V, T>((g - first - h * second) * scale, dx + i, n);
            }
        }
    }

    // dy, and dy (x - mean) rstd.
    private readonly struct GradientTerm<V, T>(T* x, T* dy, T* mean, T* meanRest, T* rstd, long d) : ColumnKernels.ITerm<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly T* _mean = mean;
        private readonly T* _meanRest = meanRest;
        private readonly T* _rstd = rstd;
        private readonly long _d = d;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddTo(ref V first, ref V second, long row, long c, long left)
        {
            var at = row * _d + c;
            var g = ColumnKernels.Read<V, T>(_dy + at, left);
            var h = new Standard<V, T>(_mean[row], _meanRest == null ? default : _meanRest[row], _rstd[row]).Of(ColumnKernels.Read<V, T>(_x + at, left));
            first += g;
            second = V.MultiplyAdd(g, h, second);
        }
    }

    // Whether squared deviations in T can be trusted: they neither left its range nor drowned below it where eps does not hide that.
    private static bool Representable<T>(double squares, double eps)
        where T : unmanaged => typeof(T) == typeof(double) || (squares <= float.MaxValue && (squares >= 1e-30 || eps >= 1e-12));

    // A row's h = (x - mean) rstd, with the mean as the sum of two numbers and the difference in a unit that holds it.
    private readonly struct Standard<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        private readonly V _unit;
        private readonly V _centre;
        private readonly V _scale;
        private readonly V _shift;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Standard(T mean, T rest, T rstd)
        {
            var unit = DeviationUnit.Of<T>(Scalar.Wide(mean), Scalar.Wide(rstd));
            _unit = V.Constant(unit);
            _centre = V.Create(Scalar.Narrow<T>(-Scalar.Wide(mean) * unit));
            _scale = V.Create(Scalar.Narrow<T>(Scalar.Wide(rstd) / unit));
            _shift = V.Create(Scalar.Narrow<T>(-Scalar.Wide(rest) * Scalar.Wide(rstd)));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Of(V x) => V.MultiplyAdd(V.MultiplyAdd(x, _unit, _centre), _scale, _shift);
    }
}
