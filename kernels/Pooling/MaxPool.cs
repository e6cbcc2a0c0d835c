using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The largest value of windows of images [n, h, w, c].</summary>
public static unsafe class MaxPool
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>y = the largest value of each window, NaN if it holds one; index = where it is.</summary>
    /// <param name="shape">The sizes; every window holds a pixel, and an image has fewer than 2^24 pixels.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="y">[n, oh, ow, c].</param>
    /// <param name="index">[n, oh, ow, c]: row * w + column in the image, the first of equals.</param>
    public static void Forward<T>(in WindowShape shape, T* x, T* y, int* index)
        where T : unmanaged
    {
        var tiles = new RowTiles(
            (long)shape.Batch * shape.OutHeight, (long)shape.OutWidth * shape.InChannels, SimdRunner.TileValues / 4);
        SimdRunner.Run<T, ForwardJob<T>>(tiles.Count, new ForwardJob<T>(shape, x, y, index, tiles));
    }

    /// <summary>dx = 0, plus dy at the place of each window's largest value.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="dy">[n, oh, ow, c].</param>
    /// <param name="index">[n, oh, ow, c], of <see cref="Forward"/>.</param>
    /// <param name="dx">[n, h, w, c].</param>
    public static void Backward<T>(in WindowShape shape, T* dy, int* index, T* dx)
        where T : unmanaged => SimdRunner.Run<T, BackwardJob<T>>(shape.Batch, new BackwardJob<T>(shape, dy, index, dx));

    private readonly struct ForwardJob<T>(WindowShape shape, T* x, T* y, int* index, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly WindowShape _shape = shape;
        private readonly T* _x = x;
        private readonly T* _y = y;
        private readonly int* _index = index;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            long c = _shape.InChannels;
            for (var line = _tiles.Start(tile); line < _tiles.End(tile); line++)
            {
                var image = _x + line / _shape.OutHeight * _shape.Height * _shape.Width * c;
                var rows = _shape.Rows((int)(line % _shape.OutHeight));
                for (var column = 0; column < _shape.OutWidth; column++)
                {
                    var to = (line * _shape.OutWidth + column) * c;
                    Window<V>(image, rows, _shape.Columns(column), _shape.Width, c, _y + to, _index + to);
                }
            }
        }

        // Places are counted in registers of T, which hold whole numbers below 2^24 exactly.
        [MethodImpl(Hot)]
        private static void Window<V>(
            T* image, (int Start, int End) rows, (int Start, int End) columns, long width, long channels, T* y, int* index)
            where V : unmanaged, ISimd<V, T>
        {
            var lanes = stackalloc T[V.Count];
            for (var c = 0L; c < channels; c += V.Count)
            {
                var left = channels - c;
                var place = rows.Start * width + columns.Start;
                var best = ColumnKernels.Read<V, T>(image + place * channels + c, left);
                var where = V.Constant(place);
                for (var row = rows.Start; row < rows.End; row++)
                {
                    for (var column = columns.Start; column < columns.End; column++)
                    {
                        place = row * width + column;
                        var value = ColumnKernels.Read<V, T>(image + place * channels + c, left);
                        // Kept where value <= best, and where best is NaN (no comparison holds for NaN).
                        var smaller = V.LessThanOrEqual(value, best);
                        var real = V.Equal(best, best);
                        where = V.Select(smaller, where, V.Select(real, V.Constant(place), where));
                        best = V.Select(smaller, best, V.Select(real, value, best));
                    }
                }

                ColumnKernels.Write<V, T>(best, y + c, left);
                where.Store(lanes);
                for (var i = 0; i < Math.Min(V.Count, left); i++)
                    index[c + i] = (int)Scalar.Wide(lanes[i]);
            }
        }
    }

    private readonly struct BackwardJob<T>(WindowShape shape, T* dy, int* index, T* dx) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly WindowShape _shape = shape;
        private readonly T* _dy = dy;
        private readonly int* _index = index;
        private readonly T* _dx = dx;

        // One image a tile: windows that overlap add to the same pixel, in order.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            long channels = _shape.InChannels;
            var windows = (long)_shape.OutHeight * _shape.OutWidth;
            var pixels = (long)_shape.Height * _shape.Width;
            var dx = _dx + tile * pixels * channels;
            for (var i = 0L; i < pixels * channels; i++)
                dx[i] = default;
            for (var window = 0L; window < windows; window++)
            {
                var at = (tile * windows + window) * channels;
                for (var c = 0L; c < channels; c++)
                {
                    var to = dx + _index[at + c] * channels + c;
                    *to = Scalar.Narrow<T>(Scalar.Wide(*to) + Scalar.Wide(_dy[at + c]));
                }
            }
        }
    }
}
