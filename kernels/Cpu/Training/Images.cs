using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Byte images to normalised numbers, with the augmentations of training.</summary>
public static unsafe class Images
{
    /// <summary>y = (x / 255 - mean[c]) / std[c].</summary>
    /// <remarks>
    /// Pixel (r, c) of result i is pixel (r + rowShift[i], c' + columnShift[i]) of image i, where c' = w - 1 - c if flip[i] is not
    /// 0, else c; outside the image it is 0 (black) before normalising. So a crop of an image padded by p at (top, left), mirrored
    /// afterwards, is the shift (top - p, left - p).
    /// </remarks>
    /// <param name="x">[n, h, w, channels].</param>
    /// <param name="y">[n, h, w, channels].</param>
    /// <param name="n">How many images.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="channels">Values of a pixel.</param>
    /// <param name="mean">[channels].</param>
    /// <param name="std">[channels].</param>
    /// <param name="flip">[n], or empty for none.</param>
    /// <param name="rowShift">[n], or empty for 0.</param>
    /// <param name="columnShift">[n], or empty for 0.</param>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToNumbers<T>(
        byte* x, T* y, long n, int height, int width, int channels, ReadOnlySpan<float> mean, ReadOnlySpan<float> std,
        ReadOnlySpan<byte> flip, ReadOnlySpan<int> rowShift, ReadOnlySpan<int> columnShift)
        where T : unmanaged
    {
        if (mean.Length != channels || std.Length != channels)
            throw new ArgumentException($"images: got {mean.Length} means and {std.Length} deviations, wants {channels}");
        if ((flip.Length, rowShift.Length, columnShift.Length) is var (f, r, c)
            && ((f != 0 && f != n) || (r != 0 && r != n) || (c != 0 && c != n)))
            throw new ArgumentException($"images: got {f} flips and {r}, {c} shifts for {n} images, wants as many or none");
        // Every byte has few results: a table a channel, in float64 so that each is rounded once.
        var table = CpuScratch.Get<T>(CpuScratch.Slot.Reduce, 256L * channels);
        for (var channel = 0; channel < channels; channel++)
        {
            for (var value = 0; value < 256; value++)
                table[value * channels + channel] = Scalar.Narrow<T>((value / 255.0 - mean[channel]) / std[channel]);
        }

        fixed (byte* flips = flip)
        fixed (int* rows = rowShift)
        fixed (int* columns = columnShift)
        {
            var tiles = new RowTiles(n, (long)height * width * channels, SimdRunner.TileValues / 4);
            CpuParallel.Run(
                checked((int)tiles.Count), new Job<T>(x, y, height, width, channels, table, flips, rows, columns, tiles));
        }
    }

    /// <summary>y[.., c] = table[c, x[.., c]]: bytes into images with a halo, which is not written.</summary>
    /// <param name="x">[images, height, width, channels] of <paramref name="y"/>, contiguous.</param>
    /// <param name="table">[channels, 256].</param>
    /// <param name="y">The images.</param>
    /// <param name="images">How many.</param>
    public static void ToHalo(byte* x, float* table, in ImageView y, int images)
    {
        var tiles = new RowTiles((long)images * y.Height, (long)y.Width * y.Channels, SimdRunner.TileValues);
        CpuParallel.Run(checked((int)tiles.Count), new HaloJob(x, table, y, tiles));
    }

    // A look-up takes two loads and a store, of integers; gathers of the vector units are no faster.
    private readonly struct HaloJob(byte* x, float* table, ImageView y, RowTiles tiles) : ITileJob
    {
        private readonly byte* _x = x;
        private readonly float* _table = table;
        private readonly ImageView _y = y;
        private readonly RowTiles _tiles = tiles;

        public void Execute(int tile, int worker)
        {
            var (height, channels, stride) = (_y.Height, _y.Channels, _y.RowStride);
            var width = _y.Width * channels;
            var (first, end) = (_tiles.Start(tile), _tiles.End(tile));
            var (image, row) = ((int)(first / height), (int)(first % height));
            var from = _x + first * width;
            for (var left = end - first; left > 0; row = 0, image++)
            {
                var rows = (int)Math.Min(left, height - row);
                Rows(from, (int*)_table, (int*)_y.At(image, row, 0), rows, width, channels, stride);
                from += (long)rows * width;
                left -= rows;
            }
        }

        private static void Rows(byte* x, int* table, int* y, int rows, nint width, nint channels, nint stride)
        {
            for (; rows > 0; rows--, x += width, y += stride)
            {
                if (channels == 1)
                    OneChannel(x, table, y, width);
                else if (channels == 3)
                    ThreeChannels(x, table, y, width);
                else
                    AnyChannels(x, table, y, width, channels);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void OneChannel(byte* x, int* table, int* y, nint count)
        {
            nint i = 0;
            for (; i + 4 <= count; i += 4)
            {
                y[i] = table[x[i]];
                y[i + 1] = table[x[i + 1]];
                y[i + 2] = table[x[i + 2]];
                y[i + 3] = table[x[i + 3]];
            }

            for (; i < count; i++)
                y[i] = table[x[i]];
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void ThreeChannels(byte* x, int* table, int* y, nint count)
        {
            nint i = 0;
            for (; i + 6 <= count; i += 6)
            {
                y[i] = table[x[i]];
                y[i + 1] = table[256 + x[i + 1]];
                y[i + 2] = table[512 + x[i + 2]];
                y[i + 3] = table[x[i + 3]];
                y[i + 4] = table[256 + x[i + 4]];
                y[i + 5] = table[512 + x[i + 5]];
            }

            if (i < count)
                AnyChannels(x + i, table, y + i, count - i, 3);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void AnyChannels(byte* x, int* table, int* y, nint count, nint channels)
        {
            for (nint i = 0; i < count; i += channels)
            {
                for (nint channel = 0; channel < channels; channel++)
                    y[i + channel] = table[256 * channel + x[i + channel]];
            }
        }
    }

    private readonly struct Job<T>(
        byte* x, T* y, int height, int width, int channels, T* table, byte* flip, int* rowShift, int* columnShift, RowTiles tiles)
        : ITileJob
        where T : unmanaged
    {
        private readonly byte* _x = x;
        private readonly T* _y = y;
        private readonly int _height = height;
        private readonly int _width = width;
        private readonly int _channels = channels;
        private readonly T* _table = table;
        private readonly byte* _flip = flip;
        private readonly int* _rowShift = rowShift;
        private readonly int* _columnShift = columnShift;
        private readonly RowTiles _tiles = tiles;

        public void Execute(int tile, int worker)
        {
            for (var image = _tiles.Start(tile); image < _tiles.End(tile); image++)
            {
                var down = _rowShift == null ? 0 : _rowShift[image];
                for (var row = 0; row < _height; row++)
                    Row(image, row, (long)row + down);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Row(long image, int row, long sourceRow)
        {
            var channels = _channels;
            var table = _table;
            var to = _y + ((image * _height + row) * _width) * channels;
            var from = _x + ((image * _height + sourceRow) * _width) * channels;
            var right = _columnShift == null ? 0 : _columnShift[image];
            var mirrored = _flip != null && _flip[image] != 0;
            var inside = sourceRow >= 0 && sourceRow < _height;
            for (var column = 0; column < _width; column++, to += channels)
            {
                var source = (mirrored ? _width - 1L - column : column) + right;
                if (inside && source >= 0 && source < _width)
                {
                    for (var channel = 0; channel < channels; channel++)
                        to[channel] = table[from[source * channels + channel] * channels + channel];
                }
                else
                {
                    for (var channel = 0; channel < channels; channel++)
                        to[channel] = table[channel];
                }
            }
        }
    }
}
