using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The mean of windows of images [n, h, w, c].</summary>
public static unsafe class AveragePool
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>y = the mean of each window. A window that lies wholly in the padding gives 0.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="countPadding">Whether padding counts as zeros; else a window divides by its pixels in the image.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="y">[n, oh, ow, c].</param>
    public static void Forward<T>(in WindowShape shape, bool countPadding, T* x, T* y)
        where T : unmanaged
    {
        var tiles = new RowTiles(
            (long)shape.Batch * shape.OutHeight, (long)shape.OutWidth * shape.InChannels, SimdRunner.TileValues / 4);
        SimdRunner.Run<T, ForwardJob<T>>(tiles.Count, new ForwardJob<T>(shape, countPadding, x, y, tiles));
    }

    /// <summary>dx = for each pixel the sum of dy over its windows, each divided as on the way forward.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="countPadding">As on the way forward.</param>
    /// <param name="dy">[n, oh, ow, c].</param>
    /// <param name="dx">[n, h, w, c].</param>
    public static void Backward<T>(in WindowShape shape, bool countPadding, T* dy, T* dx)
        where T : unmanaged
    {
        var tiles = new RowTiles((long)shape.Batch * shape.Height, (long)shape.Width * shape.InChannels, SimdRunner.TileValues / 4);
        SimdRunner.Run<T, BackwardJob<T>>(tiles.Count, new BackwardJob<T>(shape, countPadding, dy, dx, tiles));
    }

    // What a window's sum is divided by.
    private static double Size(in WindowShape shape, bool countPadding, (int Start, int End) rows, (int Start, int End) columns)
    {
        var count = countPadding
            ? (long)shape.KernelHeight * shape.KernelWidth
            : (long)Math.Max(0, rows.End - rows.Start) * Math.Max(0, columns.End - columns.Start);
        return Math.Max(count, 1);
    }

    private readonly struct ForwardJob<T>(WindowShape shape, bool countPadding, T* x, T* y, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly WindowShape _shape = shape;
        private readonly bool _countPadding = countPadding;
        private readonly T* _x = x;
        private readonly T* _y = y;
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
                    var columns = _shape.Columns(column);
                    Window<V>(
                        image + ((long)rows.Start * _shape.Width + columns.Start) * c, rows.End - rows.Start, columns.End - columns.Start,
                        _shape.Width * c, c, Size(_shape, _countPadding, rows, columns), _y + (line * _shape.OutWidth + column) * c);
                }
            }
        }

        [MethodImpl(Hot)]
        private static void Window<V>(T* x, int rows, int columns, long lineStep, long channels, double size, T* y)
            where V : unmanaged, ISimd<V, T>
        {
            var divisor = V.Constant(size);
            for (var c = 0L; c < channels; c += V.Count)
            {
                var sum = V.Zero;
                for (var row = 0; row < rows; row++)
                {
                    var pixel = x + row * lineStep + c;
                    for (var column = 0; column < columns; column++, pixel += channels)
                        sum += ColumnKernels.Read<V, T>(pixel, channels - c);
                }

                ColumnKernels.Write<V, T>(sum / divisor, y + c, channels - c);
            }
        }
    }

    private readonly struct BackwardJob<T>(WindowShape shape, bool countPadding, T* dy, T* dx, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly WindowShape _shape = shape;
        private readonly bool _countPadding = countPadding;
        private readonly T* _dy = dy;
        private readonly T* _dx = dx;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            long c = _shape.InChannels;
            var lineSize = _shape.Width * c;
            for (var line = _tiles.Start(tile); line < _tiles.End(tile); line++)
            {
                var to = _dx + line * lineSize;
                new Span<byte>(to, checked((int)(lineSize * sizeof(T)))).Clear();
                var image = _dy + line / _shape.Height * _shape.OutHeight * _shape.OutWidth * c;
                var windows = _shape.WindowsOfRow((int)(line % _shape.Height));
                for (var row = windows.Start; row < windows.End; row++)
                {
                    var rows = _shape.Rows(row);
                    for (var column = 0; column < _shape.OutWidth; column++)
                    {
                        var columns = _shape.Columns(column);
                        Spread<V>(
                            image + ((long)row * _shape.OutWidth + column) * c, c, Size(_shape, _countPadding, rows, columns),
                            to + columns.Start * c, columns.End - columns.Start);
                    }
                }
            }
        }

        // Adds one window's share to the pixels that it covers in one line.
        [MethodImpl(Hot)]
        private static void Spread<V>(T* dy, long channels, double size, T* dx, int pixels)
            where V : unmanaged, ISimd<V, T>
        {
            var divisor = V.Constant(size);
            for (var c = 0L; c < channels; c += V.Count)
            {
                var share = ColumnKernels.Read<V, T>(dy + c, channels - c) / divisor;
                for (var pixel = 0; pixel < pixels; pixel++)
                {
                    var to = dx + pixel * channels + c;
                    ColumnKernels.Write<V, T>(ColumnKernels.Read<V, T>(to, channels - c) + share, to, channels - c);
                }
            }
        }
    }
}
