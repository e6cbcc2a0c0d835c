using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The mean of so many windows of images [n, h, w, c], as <see cref="AdaptivePoolShape"/> divides them.</summary>
public static unsafe class AdaptiveAveragePool
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>y = the mean of each window.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="y">[n, oh, ow, c].</param>
    public static void Forward<T>(in AdaptivePoolShape shape, T* x, T* y)
        where T : unmanaged => Forward(
            shape, new Lines<T>(x, (long)shape.Width * shape.Channels, (long)shape.Height * shape.Width * shape.Channels),
            new Lines<T>(y, (long)shape.OutWidth * shape.Channels, (long)shape.OutHeight * shape.OutWidth * shape.Channels));

    /// <summary>The same of images within halos, which are neither read nor written.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="x">The images.</param>
    /// <param name="y">The result.</param>
    public static void Forward(in AdaptivePoolShape shape, in ImageView x, in ImageView y)
    {
        var got = (x.Height, x.Width, x.Channels, y.Height, y.Width, y.Channels);
        if (got != (shape.Height, shape.Width, shape.Channels, shape.OutHeight, shape.OutWidth, shape.Channels))
            throw new ArgumentException($"pool: got x {x} and y {y}, wants the sizes of {shape}");
        Forward(shape, new Lines<float>((float*)x.Data, x.RowStride, x.ImageStride), new Lines<float>((float*)y.Data, y.RowStride, y.ImageStride));
    }

    /// <summary>dx = for each pixel the sum of dy over its windows, each divided by the window's pixels.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="dy">[n, oh, ow, c].</param>
    /// <param name="dx">[n, h, w, c].</param>
    public static void Backward<T>(in AdaptivePoolShape shape, T* dy, T* dx)
        where T : unmanaged
    {
        // The work of a line: each window that holds it, over its columns.
        var work = (long)Math.Max(shape.Width, shape.OutWidth) * shape.Channels * ((shape.OutHeight / Math.Max(1, shape.Height)) + 1);
        var tiles = new RowTiles((long)shape.Batch * shape.Height, work, SimdRunner.TileValues / 4);
        SimdRunner.Run<T, BackwardJob<T>>(tiles.Count, new BackwardJob<T>(shape, dy, dx, tiles));
    }

    private static void Forward<T>(in AdaptivePoolShape shape, Lines<T> x, Lines<T> y)
        where T : unmanaged
    {
        // A tile is as much work as its windows hold values.
        var window = (long)((shape.Height / shape.OutHeight) + 1) * ((shape.Width / shape.OutWidth) + 1);
        var tiles = new RowTiles((long)shape.Batch * shape.OutHeight, (long)shape.OutWidth * shape.Channels * window, SimdRunner.TileValues);
        SimdRunner.Run<T, ForwardJob<T>>(tiles.Count, new ForwardJob<T>(shape, x, y, tiles));
    }

    // Images whose lines stand so far apart.
    private readonly struct Lines<T>(T* data, long rowStride, long imageStride)
        where T : unmanaged
    {
        private readonly T* _data = data;

        public long RowStride => rowStride;

        public T* At(long image, int row) => _data + (image * imageStride) + (row * rowStride);
    }

    private readonly struct ForwardJob<T>(AdaptivePoolShape shape, Lines<T> x, Lines<T> y, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            long c = shape.Channels;
            for (var line = tiles.Start(tile); line < tiles.End(tile); line++)
            {
                var (image, row) = (line / shape.OutHeight, (int)(line % shape.OutHeight));
                var rows = AdaptivePoolShape.Span(row, shape.Height, shape.OutHeight);
                T* from = x.At(image, rows.Start), to = y.At(image, row);
                for (var column = 0; column < shape.OutWidth; column++)
                {
                    var columns = AdaptivePoolShape.Span(column, shape.Width, shape.OutWidth);
                    Mean<V>(from + (columns.Start * c), rows.End - rows.Start, columns.End - columns.Start, x.RowStride, c, to + (column * c));
                }
            }
        }

        [MethodImpl(Hot)]
        private static void Mean<V>(T* x, int rows, int columns, long lineStep, long channels, T* y)
            where V : unmanaged, ISimd<V, T>
        {
            var divisor = V.Constant((double)rows * columns);
            for (var c = 0L; c < channels; c += V.Count)
            {
                // A partial sum for each row: shorter chains of rounding, and of waiting.
                var sum = V.Zero;
                for (var row = 0; row < rows; row++)
                {
                    var pixel = x + (row * lineStep) + c;
                    var part = V.Zero;
                    for (var column = 0; column < columns; column++, pixel += channels)
                        part += ColumnKernels.Read<V, T>(pixel, channels - c);
                    sum += part;
                }

                ColumnKernels.Write<V, T>(sum / divisor, y + c, channels - c);
            }
        }
    }

    private readonly struct BackwardJob<T>(AdaptivePoolShape shape, T* dy, T* dx, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _dy = dy;
        private readonly T* _dx = dx;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            long c = shape.Channels;
            for (var line = tiles.Start(tile); line < tiles.End(tile); line++)
            {
                var (image, row) = (line / shape.Height, (int)(line % shape.Height));
                var to = _dx + (line * shape.Width * c);
                new Span<byte>(to, checked((int)(shape.Width * c * sizeof(T)))).Clear();
                var holding = AdaptivePoolShape.Span(row, shape.OutHeight, shape.Height);
                for (var window = holding.Start; window < holding.End; window++)
                {
                    var rows = AdaptivePoolShape.Span(window, shape.Height, shape.OutHeight);
                    var from = _dy + (((image * shape.OutHeight) + window) * shape.OutWidth * c);
                    for (var column = 0; column < shape.OutWidth; column++)
                    {
                        var columns = AdaptivePoolShape.Span(column, shape.Width, shape.OutWidth);
                        var pixels = columns.End - columns.Start;
                        Spread<V>(from + (column * c), c, (double)pixels * (rows.End - rows.Start), to + (columns.Start * c), pixels);
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
                    var to = dx + (pixel * channels) + c;
                    ColumnKernels.Write<V, T>(ColumnKernels.Read<V, T>(to, channels - c) + share, to, channels - c);
                }
            }
        }
    }
}
