using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

public static unsafe partial class BatchNorm
{
    /// <summary>The gradients of <see cref="Normalise"/>.</summary>
    /// <remarks>
    /// Where y was rectified, dy stands for what ReLU lets through. With h = (x - mean) rstd: dbeta = sum dy, dgamma = sum dy h. Where mean and variance were the batch's own
    /// dx = gamma rstd (dy - dbeta / rows - h dgamma / rows), where they were constants dx = gamma rstd dy.
    /// </remarks>
    /// <param name="x">[rows, channels].</param>
    /// <param name="dy">[rows, channels].</param>
    /// <param name="mean">[channels].</param>
    /// <param name="variance">[channels].</param>
    /// <param name="gamma">[channels].</param>
    /// <param name="beta">[channels]; only read where <paramref name="relu"/>.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="relu">Whether y was the larger of the normalised value and 0.</param>
    /// <param name="ownStatistics">Whether mean and variance came from x.</param>
    /// <param name="dx">[rows, channels]; may be <paramref name="dy"/>.</param>
    /// <param name="dGamma">[channels].</param>
    /// <param name="dBeta">[channels].</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="channels">How many columns.</param>
    /// <param name="meanRest">[channels] of <see cref="Statistics"/>, or null for zeros.</param>
    /// <param name="deviation">[channels] of <see cref="Statistics"/>, or null for the root of the variance.</param>
    public static void Backward<T>(
        T* x, T* dy, T* mean, T* variance, T* gamma, T* beta, double eps, bool relu, bool ownStatistics, T* dx, T* dGamma,
        T* dBeta, long rows, long channels, T* meanRest = null, T* deviation = null)
        where T : unmanaged
    {
        if (relu)
            Backward<T, UnaryFunctions.Relu>(x, dy, mean, variance, gamma, beta, eps, ownStatistics, dx, dGamma, dBeta, rows, channels, meanRest, deviation);
        else
            Backward<T, UnaryFunctions.Identity>(x, dy, mean, variance, gamma, beta, eps, ownStatistics, dx, dGamma, dBeta, rows, channels, meanRest, deviation);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<T, TFunction>(
        T* x, T* dy, T* mean, T* variance, T* gamma, T* beta, double eps, bool ownStatistics, T* dx, T* dGamma, T* dBeta, long rows,
        long channels, T* meanRest, T* deviation)
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        var chunks = new RowTiles(rows, channels, ChunkValues);
        var bytes = chunks.Count * 2 * channels * sizeof(double);
        var partials = (double*)CpuScratch.Get(CpuScratch.Slot.Reduce, bytes + 7 * channels * sizeof(T));
        var unit = Unit(mean, variance, deviation, eps, channels);
        var factors = new Factors<T>((T*)((byte*)partials + bytes), unit, channels);
        Scale(mean, variance, deviation, meanRest, gamma, beta, eps, unit, factors.Centre, factors.Scale, factors.Beta, channels);
        SimdRunner.Run<T, GradientJob<T, TFunction>>(chunks.Count, new(x, dy, factors, partials, chunks));
        for (var c = 0L; c < channels; c++)
        {
            double sum = 0, product = 0;
            for (var chunk = 0L; chunk < chunks.Count; chunk++)
            {
                sum += partials[chunk * 2 * channels + c];
                product += partials[(chunk * 2 + 1) * channels + c];
            }

            product /= unit;

            var rstd = InverseDeviation(variance, deviation, eps, c);
            var scale = Scalar.Wide(gamma[c]) * rstd;
            // The kernel's deviations are from the mean as T holds it.
            var rest = meanRest == null ? 0 : Scalar.Wide(meanRest[c]);
            var normalised = (product - rest * sum) * rstd;
            var slope = ownStatistics ? -scale * normalised / rows : 0;
            dBeta[c] = Scalar.Narrow<T>(sum);
            dGamma[c] = Scalar.Narrow<T>(normalised);
            factors.Inverse[c] = Scalar.Narrow<T>(rstd / unit);
            factors.Direct[c] = Scalar.Narrow<T>(scale);
            factors.Slope[c] = Scalar.Narrow<T>(slope);
            factors.Shift[c] = Scalar.Narrow<T>(ownStatistics ? -scale * sum / rows - slope * rest * rstd : 0);
        }

        var tiles = new RowTiles(rows, channels, SimdRunner.TileValues);
        SimdRunner.Run<T, InputGradientJob<T, TFunction>>(tiles.Count, new(x, dy, factors, dx, tiles));
    }

    // With u = x Unit + Centre, which is (x - mean) Unit: y = Scale u + Beta; dx = Direct g + Slope (u Inverse) + Shift, where g is what the
    // function let through of dy. The product of Slope and Inverse alone may leave the range of T.
    private readonly struct Factors<T>(T* values, double unit, long channels)
        where T : unmanaged
    {
        public readonly double Unit = unit;
        public readonly T* Scale = values;
        public readonly T* Slope = values + channels;
        public readonly T* Shift = values + 2 * channels;
        public readonly T* Beta = values + 3 * channels;
        public readonly T* Inverse = values + 4 * channels;
        public readonly T* Centre = values + 5 * channels;
        public readonly T* Direct = values + 6 * channels;
        public readonly long Channels = channels;

        /// <summary>g, and (x - mean) Unit.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Gradient<V, TFunction>(T* x, T* dy, long c, long left, out V deviation)
            where V : unmanaged, ISimd<V, T>
            where TFunction : unmanaged, IUnaryFunction
        {
            var g = ColumnKernels.Read<V, T>(dy, left);
            if (typeof(TFunction) == typeof(UnaryFunctions.Identity))
            {
                deviation = V.MultiplyAdd(ColumnKernels.Read<V, T>(x, left), V.Constant(Unit), ColumnKernels.Read<V, T>(Centre + c, left));
                return g;
            }

            var y = Normalised<V, T>(x, V.Constant(Unit), Centre + c, Scale + c, Beta + c, left, out deviation);
            return TFunction.Backward<V, T>(y, g);
        }
    }

    private readonly struct GradientTerm<V, T, TFunction>(T* x, T* dy, Factors<T> factors) : ColumnKernels.ITerm<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly Factors<T> _factors = factors;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddTo(ref V first, ref V second, long row, long c, long left)
        {
            var at = row * _factors.Channels + c;
            var g = _factors.Gradient<V, TFunction>(_x + at, _dy + at, c, left, out var deviation);
            first += g;
            second = V.MultiplyAdd(g, deviation, second);
        }
    }

    private readonly struct GradientJob<T, TFunction>(T* x, T* dy, Factors<T> factors, double* partials, RowTiles chunks) : ISimdJob<T>
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly Factors<T> _factors = factors;
        private readonly double* _partials = partials;
        private readonly RowTiles _chunks = chunks;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            // From the end, as the statistics.
            tile = (int)_chunks.Count - 1 - tile;
            var channels = _factors.Channels;
            var start = _chunks.Start(tile);
            var sum = _partials + tile * 2 * channels;
            ColumnKernels.Reduce<V, T, GradientTerm<V, T, TFunction>>(
                new(_x + start * channels, _dy + start * channels, _factors), _chunks.End(tile) - start, channels, sum, sum + channels);
        }
    }

    private readonly struct InputGradientJob<T, TFunction>(T* x, T* dy, Factors<T> factors, T* dx, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly T* _x = x;
        private readonly T* _dy = dy;
        private readonly Factors<T> _factors = factors;
        private readonly T* _dx = dx;
        private readonly RowTiles _tiles = tiles;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T> => Rows<V>(_x, _dy, _factors, _dx, _tiles.Start(tile), _tiles.End(tile));

        [MethodImpl(Hot)]
        private static void Rows<V>(T* x, T* dy, Factors<T> factors, T* dx, long row, long end)
            where V : unmanaged, ISimd<V, T>
        {
            var channels = factors.Channels;
            for (; row < end; row++)
            {
                for (var c = 0L; c < channels; c += V.Count)
                {
                    var at = row * channels + c;
                    var n = channels - c;
                    var g = factors.Gradient<V, TFunction>(x + at, dy + at, c, n, out var deviation);
                    var rest = V.MultiplyAdd(
                        ColumnKernels.Read<V, T>(factors.Slope + c, n), deviation * ColumnKernels.Read<V, T>(factors.Inverse + c, n),
                        ColumnKernels.Read<V, T>(factors.Shift + c, n));
                    ColumnKernels.Write<V, T>(V.MultiplyAdd(ColumnKernels.Read<V, T>(factors.Direct + c, n), g, rest), dx + at, n);
                }
            }
        }
    }
}
