using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Reductions of one dimension of [outer, extent, inner] views, float or double, contiguous.</summary>
/// <remarks>
/// Sums add short blocks in T and the blocks in float64, in an order that the sizes alone fix. Long dimensions are cut into
/// chunks of fixed size that are reduced in parallel.
/// </remarks>
public static unsafe partial class Reduce
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
    private const long ChunkValues = 65536;
    private const long ColumnBlock = 512;
    private const long RowBlock = 64;

    // So many independent units keep any machine busy enough; fewer, and long dimensions are cut.
    private const long EnoughUnits = 16;

    /// <summary>y[o, i] = the reduction of x[o, :, i].</summary>
    /// <param name="op">Sum, mean or maximum.</param>
    /// <param name="x">[outer, extent, inner].</param>
    /// <param name="y">[outer, inner].</param>
    /// <param name="outer">Product of the extents before the reduced dimension.</param>
    /// <param name="extent">The reduced extent. For 0 the sum is 0, the mean NaN, the maximum -infinity.</param>
    /// <param name="inner">Product of the extents after it.</param>
    public static void Along<T>(ReduceOp op, T* x, T* y, long outer, long extent, long inner)
        where T : unmanaged
    {
        if (op == ReduceOp.Max)
            Along<Reductions.Max, T>(x, y, outer, extent, inner, 1.0);
        else
            Along<Reductions.Sum, T>(x, y, outer, extent, inner, op == ReduceOp.Mean ? extent : 1.0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Along<TReduction, T>(T* x, T* y, long outer, long extent, long inner, double divisor)
        where TReduction : unmanaged, IReduction
        where T : unmanaged
    {
        if (outer * inner == 0)
            return;
        var width = inner == 1 ? 1 : Math.Min(inner, ColumnBlock);
        var blocks = SimdRunner.TilesOf(inner, width);
        var rows = Math.Max(extent, 1);
        if (outer * blocks < EnoughUnits && extent * width > 2 * ChunkValues)
            rows = Math.Max(RowBlock, ChunkValues / width);
        var chunks = Math.Max(1, SimdRunner.TilesOf(extent, rows));
        var partials = chunks == 1 ? null : CpuScratch.Get<double>(CpuScratch.Slot.Reduce, outer * chunks * inner);
        var job = new ReduceJob<TReduction, T>(x, y, partials, outer, extent, inner, width, blocks, rows, chunks, divisor);
        SimdRunner.Run<T, ReduceJob<TReduction, T>>(SimdRunner.TilesOf(job.Units, job.UnitsPerTile), job);
        if (partials == null)
            return;
        for (var o = 0L; o < outer; o++)
        {
            for (var i = 0L; i < inner; i++)
            {
                var total = TReduction.Start;
                for (var chunk = 0L; chunk < chunks; chunk++)
                    total = TReduction.Combine(total, partials[(o * chunks + chunk) * inner + i]);
                y[o * inner + i] = Scalar.Narrow<T>(total / divisor);
            }
        }
    }

    // A unit is one chunk of rows of one block of columns of one outer index.
    private readonly struct ReduceJob<TReduction, T>(
        T* x, T* y, double* partials, long outer, long extent, long inner, long width, long blocks, long rows, long chunks,
        double divisor) : ISimdJob<T>
        where TReduction : unmanaged, IReduction
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _y = y;
        private readonly double* _partials = partials;
        private readonly long _extent = extent;
        private readonly long _inner = inner;
        private readonly long _width = width;
        private readonly long _blocks = blocks;
        private readonly long _rows = rows;
        private readonly long _chunks = chunks;
        private readonly double _divisor = divisor;

        public long Units { get; } = outer * chunks * blocks;

        public long UnitsPerTile { get; } = SimdRunner.RowsPerTile(rows * width, ChunkValues);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var total = stackalloc double[(int)ColumnBlock];
            var end = Math.Min(Units, (tile + 1) * UnitsPerTile);
            for (var unit = tile * UnitsPerTile; unit < end; unit++)
            {
                var column = unit % _blocks * _width;
                var chunk = unit / _blocks % _chunks;
                var outer = unit / _blocks / _chunks;
                var row = chunk * _rows;
                var rows = Math.Min(_rows, _extent - row);
                var width = Math.Min(_width, _inner - column);
                var x = _x + (outer * _extent + row) * _inner + column;
                if (_inner == 1)
                    total[0] = RowKernels.Reduce<TReduction, V, T>(x, rows);
                else
                    Columns<TReduction, V, T>(x, rows, width, _inner, total);

                if (_partials != null)
                {
                    new Span<double>(total, (int)width).CopyTo(new(_partials + (outer * _chunks + chunk) * _inner + column, (int)width));
                }
                else
                {
                    var y = _y + outer * _inner + column;
                    for (var i = 0L; i < width; i++)
                        y[i] = Scalar.Narrow<T>(total[i] / _divisor);
                }
            }
        }
    }

    // total[i] = the reduction of x[:, i] for rows of x that lie step values apart.
    [MethodImpl(Hot)]
    private static void Columns<TReduction, V, T>(T* x, long rows, long width, long step, double* total)
        where TReduction : unmanaged, IReduction
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var lanes = stackalloc T[V.Count];
        new Span<double>(total, (int)width).Fill(TReduction.Start);
        var start = V.Constant(TReduction.Start);
        for (var row = 0L; row < rows; row += RowBlock)
        {
            var count = Math.Min(RowBlock, rows - row);
            var block = x + row * step;
            var i = 0L;
            for (; i < width; i += V.Count)
            {
                var n = Math.Min(V.Count, width - i);
                var p = block + i;
                V a = start, b = start;
                if (n == V.Count)
                {
                    var r = 0L;
                    for (; r <= count - 2; r += 2, p += 2 * step)
                    {
                        a = TReduction.Step<V, T>(a, V.Load(p));
                        b = TReduction.Step<V, T>(b, V.Load(p + step));
                    }

                    if (r < count)
                        a = TReduction.Step<V, T>(a, V.Load(p));
                }
                else
                {
                    // In the same order as whole registers: equal columns have equal sums.
                    var r = 0L;
                    for (; r <= count - 2; r += 2, p += 2 * step)
                    {
                        a = TReduction.Step<V, T>(a, V.LoadPartial(p, n));
                        b = TReduction.Step<V, T>(b, V.LoadPartial(p + step, n));
                    }

                    if (r < count)
                        a = TReduction.Step<V, T>(a, V.LoadPartial(p, n));
                }

                TReduction.Step<V, T>(a, b).Store(lanes);
                for (var j = 0L; j < n; j++)
                    total[i + j] = TReduction.Combine(total[i + j], Scalar.Wide(lanes[j]));
            }
        }
    }
}
