using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Pooling of images that lie within halos, for inference: the halos are not read.</summary>
public static unsafe class ViewPool
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>y = the largest value of each window, NaN if there is one; padding never wins.</summary>
    /// <param name="shape">The sizes; <c>shape.Batch</c> images.</param>
    /// <param name="x">The images.</param>
    /// <param name="y">The result; its halo is not written.</param>
    public static void Max(in WindowShape shape, in ImageView x, in ImageView y) => Run(shape, x, y, largest: true, countPadding: false);

    /// <summary>y = the mean of each window.</summary>
    /// <param name="shape">The sizes; <c>shape.Batch</c> images.</param>
    /// <param name="countPadding">Whether padding counts as zeros; else a window divides by its pixels in the image.</param>
    /// <param name="x">The images.</param>
    /// <param name="y">The result; its halo is not written.</param>
    public static void Average(in WindowShape shape, bool countPadding, in ImageView x, in ImageView y) => Run(shape, x, y, largest: false, countPadding);

    private static void Run(in WindowShape shape, in ImageView x, in ImageView y, bool largest, bool countPadding)
    {
        var got = (x.Height, x.Width, x.Channels, y.Height, y.Width, y.Channels);
        var wanted = (shape.Height, shape.Width, shape.InChannels, shape.OutHeight, shape.OutWidth, shape.InChannels);
        if (got != wanted)
            throw new ArgumentException($"pool: got x {x} and y {y}, wants the sizes of {shape}");
        // A tile is as much work as its windows hold values.
        var tiles = new RowTiles(
            (long)shape.Batch * shape.OutHeight, (long)shape.OutWidth * shape.InChannels * shape.KernelHeight * shape.KernelWidth, SimdRunner.TileValues);
        SimdRunner.Run<float, Job>(tiles.Count, new Job(shape, x, y, largest, countPadding, tiles));
    }

    private readonly struct Job(WindowShape shape, ImageView x, ImageView y, bool largest, bool countPadding, RowTiles tiles) : ISimdJob<float>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, float>
        {
            for (var line = tiles.Start(tile); line < tiles.End(tile); line++)
            {
                var (image, row) = ((int)(line / shape.OutHeight), (int)(line % shape.OutHeight));
                var rows = shape.Rows(row);
                for (var column = 0; column < shape.OutWidth; column++)
                {
                    var columns = shape.Columns(column);
                    var (height, width) = (rows.End - rows.Start, columns.End - columns.Start);
                    var from = x.At(image, rows.Start, columns.Start);
                    var to = y.At(image, row, column);
                    if (largest)
                        Largest<V>(from, height, width, x.RowStride, shape.InChannels, to);
                    else
                        Mean<V>(from, height, width, x.RowStride, shape.InChannels, countPadding ? shape.KernelHeight * shape.KernelWidth : height * width, to);
                }
            }
        }

        [MethodImpl(Hot)]
        private static void Largest<V>(float* x, int rows, int columns, long lineStep, long channels, float* y)
            where V : unmanaged, ISimd<V, float>
        {
            for (var c = 0L; c < channels; c += V.Count)
            {
                var most = V.Create(float.NegativeInfinity);
                for (var row = 0; row < rows; row++)
                {
                    var pixel = x + (row * lineStep) + c;
                    for (var column = 0; column < columns; column++, pixel += channels)
                        most = V.Max(most, ColumnKernels.Read<V, float>(pixel, channels - c));
                }

                ColumnKernels.Write<V, float>(most, y + c, channels - c);
            }
        }

        [MethodImpl(Hot)]
        private static void Mean<V>(float* x, int rows, int columns, long lineStep, long channels, float size, float* y)
            where V : unmanaged, ISimd<V, float>
        {
            var divisor = V.Create(size);
            for (var c = 0L; c < channels; c += V.Count)
            {
                // A partial sum for each row: shorter chains of rounding, and of waiting.
                var sum = V.Zero;
                for (var row = 0; row < rows; row++)
                {
                    var pixel = x + (row * lineStep) + c;
                    var part = V.Zero;
                    for (var column = 0; column < columns; column++, pixel += channels)
                        part += ColumnKernels.Read<V, float>(pixel, channels - c);
                    sum += part;
                }

                ColumnKernels.Write<V, float>(sum / divisor, y + c, channels - c);
            }
        }
    }
}
