using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

public static unsafe partial class Reduce
{
    /// <summary>index[o, i] = where x[o, :, i] is largest: the first of equals, the first NaN if there is one.</summary>
    /// <param name="x">[outer, extent, inner].</param>
    /// <param name="index">[outer, inner].</param>
    /// <param name="outer">Product of the extents before the dimension.</param>
    /// <param name="extent">The searched extent, 1 or more.</param>
    /// <param name="inner">Product of the extents after it.</param>
    public static void ArgMax<T>(T* x, int* index, long outer, long extent, long inner)
        where T : unmanaged
    {
        var job = new ArgMaxJob<T>(x, index, outer, extent, inner);
        SimdRunner.Run<T, ArgMaxJob<T>>(SimdRunner.TilesOf(outer, job.OuterPerTile), job);
    }

    /// <summary>dx = 0, except dx[o, index[o, i], i] = dy[o, i]: the backward pass of a maximum.</summary>
    /// <param name="dy">[outer, inner].</param>
    /// <param name="index">[outer, inner].</param>
    /// <param name="dx">[outer, extent, inner].</param>
    /// <param name="outer">Product of the extents before the dimension.</param>
    /// <param name="extent">The searched extent.</param>
    /// <param name="inner">Product of the extents after it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter<T>(T* dy, int* index, T* dx, long outer, long extent, long inner)
        where T : unmanaged
    {
        Elementwise.Fill(dx, default, outer * extent * inner);
        for (var o = 0L; o < outer; o++)
        {
            for (var i = 0L; i < inner; i++)
                dx[(o * extent + index[o * inner + i]) * inner + i] = dy[o * inner + i];
        }
    }

    private readonly struct ArgMaxJob<T>(T* x, int* index, long outer, long extent, long inner) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly int* _index = index;
        private readonly long _outer = outer;
        private readonly long _extent = extent;
        private readonly long _inner = inner;

        public long OuterPerTile { get; } = SimdRunner.RowsPerTile(extent * inner);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var end = Math.Min(_outer, (tile + 1) * OuterPerTile);
            for (var o = tile * OuterPerTile; o < end; o++)
            {
                var x = _x + o * _extent * _inner;
                if (_inner == 1)
                    _index[o] = (int)RowKernels.IndexOf<V, T>(x, _extent, RowKernels.Reduce<Reductions.Max, V, T>(x, _extent));
                else
                    Columns(x, _index + o * _inner, _extent, _inner);
            }
        }

        // Row after row, so that memory is read in order; the index array holds the best so far.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Columns(T* x, int* index, long extent, long inner)
        {
            for (var i = 0L; i < inner; i++)
                index[i] = 0;
            for (var e = 1L; e < extent; e++)
            {
                for (var i = 0L; i < inner; i++)
                {
                    var best = Scalar.Wide(x[index[i] * inner + i]);
                    var value = Scalar.Wide(x[e * inner + i]);
                    if (value > best || (double.IsNaN(value) && !double.IsNaN(best)))
                        index[i] = (int)e;
                }
            }
        }
    }
}
