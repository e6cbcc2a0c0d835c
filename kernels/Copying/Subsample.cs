using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Every so many-th pixel of images, among channels of zeros: the shortcut without weights of a residual network, in plans.</summary>
public static unsafe class Subsample
{
    /// <summary>y[i, j, before + c] = x[i stride, j stride, c], and 0 in the other channels.</summary>
    /// <param name="images">How many images.</param>
    /// <param name="stride">Pixels from one to the next, both ways.</param>
    /// <param name="before">Channels of zeros before those of x; the rest of y's channels comes after them.</param>
    /// <param name="x">The images; the halo is not read.</param>
    /// <param name="y">The result; its halo is not written.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together.</exception>
    public static void Run(int images, int stride, int before, in ImageView x, in ImageView y)
    {
        if (stride < 1 || before < 0 || before + x.Channels > y.Channels || (y.Height, y.Width) != (Extent(x.Height, stride), Extent(x.Width, stride)))
            throw new ArgumentException($"subsample: got x {x}, y {y}, stride {stride}, {before} channels before; wants every {stride}-th pixel and room for its channels");
        var tiles = new RowTiles((long)images * y.Height, (long)y.Width * y.Channels, SimdRunner.TileValues / 4);
        CpuParallel.Run(checked((int)tiles.Count), new Job(stride, before, x, y, tiles));
    }

    /// <summary>How many pixels of a row or column there are in the result.</summary>
    /// <param name="size">Those of the image.</param>
    /// <param name="stride">From one to the next.</param>
    public static int Extent(int size, int stride) => (int)((size + (long)stride - 1) / stride);

    private readonly struct Job(int stride, int before, ImageView x, ImageView y, RowTiles tiles) : ITileJob
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var after = y.Channels - before - x.Channels;
            for (var line = tiles.Start(tile); line < tiles.End(tile); line++)
            {
                var (image, row) = ((int)(line / y.Height), (int)(line % y.Height));
                var from = x.At(image, row * stride, 0);
                var to = y.At(image, row, 0);
                for (var column = 0; column < y.Width; column++, from += (long)stride * x.Channels)
                {
                    new Span<float>(to, before).Clear();
                    new ReadOnlySpan<float>(from, x.Channels).CopyTo(new Span<float>(to + before, x.Channels));
                    new Span<float>(to + before + x.Channels, after).Clear();
                    to += y.Channels;
                }
            }
        }
    }
}
