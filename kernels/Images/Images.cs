using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Byte images to normalised numbers.</summary>
public static unsafe class Images
{
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
}
