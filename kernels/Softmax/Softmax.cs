using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Softmax of rows, its logarithm, and the cross-entropy fused with it; float or double, contiguous.</summary>
/// <remarks>Every row is shifted by its largest value first, so that nothing overflows.</remarks>
public static unsafe partial class Softmax
{
    private const long TileValues = 16384;

    /// <summary>y = softmax(x) of every row, or its logarithm.</summary>
    /// <param name="x">[rows, d].</param>
    /// <param name="y">[rows, d]; may be <paramref name="x"/>.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="d">Values of a row.</param>
    /// <param name="log">Whether the logarithm is wanted.</param>
    public static void Forward<T>(T* x, T* y, long rows, long d, bool log)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, d, TileValues);
        SimdRunner.Run<T, ForwardJob<T>>(tiles.Count, new ForwardJob<T>(x, y, d, log, tiles));
    }

    /// <summary>dx = y (dy - sum(dy y)); for the logarithm dx = dy - e^y sum(dy).</summary>
    /// <param name="y">[rows, d], the result of <see cref="Forward"/>.</param>
    /// <param name="dy">[rows, d].</param>
    /// <param name="dx">[rows, d]; may be <paramref name="dy"/>.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="d">Values of a row.</param>
    /// <param name="log">Whether y is the logarithm.</param>
    public static void Backward<T>(T* y, T* dy, T* dx, long rows, long d, bool log)
        where T : unmanaged
    {
        var tiles = new RowTiles(rows, d, TileValues);
        SimdRunner.Run<T, BackwardJob<T>>(tiles.Count, new BackwardJob<T>(y, dy, dx, d, log, tiles));
    }

    private readonly struct ForwardJob<T>(T* x, T* y, long d, bool log, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _y = y;
        private readonly long _d = d;
        private readonly bool _log = log;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            for (var row = _tiles.Start(tile); row < _tiles.End(tile); row++)
            {
                var x = _x + row * _d;
                var y = _y + row * _d;
                var max = RowKernels.Reduce<Reductions.Max, V, T>(x, _d);
                if (_log)
                {
                    var logSum = Math.Log(RowKernels.ExpSum<V, T>(x, _d, max));
                    Shift<V>(x, y, _d, max, logSum);
                }
                else
                {
                    var sum = RowKernels.ExpStore<V, T>(x, y, _d, max);
                    RowKernels.Divide<V, T>(y, y, _d, sum);
                }
            }
        }

        // Two subtractions: the first is nearly exact where the result is near 0, which one with max + log(sum) is not.
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Shift<V>(T* x, T* y, long d, double max, double logSum)
            where V : unmanaged, ISimd<V, T>
        {
            var first = V.Constant(max);
            var second = V.Constant(logSum);
            var i = 0L;
            for (; i <= d - V.Count; i += V.Count)
                (V.Load(x + i) - first - second).Store(y + i);
            if (i < d)
                (V.LoadPartial(x + i, d - i) - first - second).StorePartial(y + i, d - i);
        }
    }

    private readonly struct BackwardJob<T>(T* y, T* dy, T* dx, long d, bool log, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _y = y;
        private readonly T* _dy = dy;
        private readonly T* _dx = dx;
        private readonly long _d = d;
        private readonly bool _log = log;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            for (var row = _tiles.Start(tile); row < _tiles.End(tile); row++)
            {
                var y = _y + row * _d;
                var dy = _dy + row * _d;
                var dx = _dx + row * _d;
                if (_log)
                    LogRow<V>(y, dy, dx, _d, RowKernels.Reduce<Reductions.Sum, V, T>(dy, _d));
                else
                    Row<V>(y, dy, dx, _d, RowKernels.Dot<V, T>(y, dy, _d));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Row<V>(T* y, T* dy, T* dx, long d, double dot)
            where V : unmanaged, ISimd<V, T>
        {
            var mean = V.Constant(dot);
            var i = 0L;
            for (; i <= d - V.Count; i += V.Count)
                (V.Load(y + i) * (V.Load(dy + i) - mean)).Store(dx + i);
            if (i < d)
                (V.LoadPartial(y + i, d - i) * (V.LoadPartial(dy + i, d - i) - mean)).StorePartial(dx + i, d - i);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void LogRow<V>(T* y, T* dy, T* dx, long d, double sum)
            where V : unmanaged, ISimd<V, T>
        {
            var total = V.Constant(sum);
            var i = 0L;
            for (; i <= d - V.Count; i += V.Count)
                (V.Load(dy + i) - VectorMath.Exp<V, T>(V.Load(y + i)) * total).Store(dx + i);
            if (i < d)
            {
                var n = d - i;
                (V.LoadPartial(dy + i, n) - VectorMath.Exp<V, T>(V.LoadPartial(y + i, n)) * total).StorePartial(dx + i, n);
            }
        }
    }
}
