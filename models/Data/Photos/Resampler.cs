using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EscNative.Models.Data;

/// <summary>Gives images other sizes, as Pillow does bit for bit: rows first, stored as bytes, then columns.</summary>
internal static class Resampler
{
    private const int Half = 1 << (ResampleWeights.Bits - 1);

    /// <summary>A window of the image in another size; only what is in the window is computed.</summary>
    /// <param name="image">The image.</param>
    /// <param name="height">Rows of the whole result.</param>
    /// <param name="width">Columns of the whole result.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="window">Which part of the result is wanted, inside of it.</param>
    public static Image Resize(Image image, int height, int width, ImageFilter filter, ImageWindow window)
    {
        var whole = window == new ImageWindow(0, 0, height, width);
        if (whole && (height, width) == (image.Height, image.Width))
            return image;
        var channels = image.Channels;
        // An axis whose size stays is copied, as Pillow leaves it out.
        var rows = height == image.Height ? null : new ResampleWeights(image.Height, height, filter, window.Top, window.Height);
        var (low, high) = rows is null ? (window.Top, window.Top + window.Height) : (rows.Low, rows.High);
        var line = window.Width * channels;
        var source = image.Pixels.Span;
        var half = ArrayPool<byte>.Shared.Rent(checked((high - low) * line));
        try
        {
            var reach = image.Width * channels;
            if (width == image.Width)
            {
                for (var y = low; y < high; y++)
                    source.Slice((y * reach) + (window.Left * channels), line).CopyTo(half.AsSpan((y - low) * line));
            }
            else
            {
                var columns = new ResampleWeights(image.Width, width, filter, window.Left, window.Width);
                // A pixel is read with the byte behind it.
                var padded = ArrayPool<byte>.Shared.Rent(reach + sizeof(int));
                for (var y = low; y < high; y++)
                {
                    source.Slice(y * reach, reach).CopyTo(padded);
                    Horizontal(padded, half.AsSpan((y - low) * line, line), columns, channels);
                }

                ArrayPool<byte>.Shared.Return(padded);
            }

            var pixels = new byte[window.Height * line];
            if (rows is null)
            {
                half.AsSpan(0, pixels.Length).CopyTo(pixels);
            }
            else
            {
                for (var y = 0; y < window.Height; y++)
                    Vertical(half.AsSpan((rows.First(y) - low) * line), pixels.AsSpan(y * line, line), rows.Weights(y));
            }

            return new Image(window.Height, window.Width, channels, pixels);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(half);
        }
    }

    private static void Horizontal(ReadOnlySpan<byte> row, Span<byte> to, ResampleWeights columns, int channels)
    {
        if (channels == 3)
        {
            Colour(row, to, columns);
            return;
        }

        for (var x = 0; x < columns.Length; x++)
        {
            var weights = columns.Weights(x);
            var first = columns.First(x) * channels;
            for (var c = 0; c < channels; c++)
            {
                var sum = Half;
                for (var j = 0; j < weights.Length; j++)
                    sum += row[first + (j * channels) + c] * weights[j];
                to[(x * channels) + c] = Clip(sum);
            }
        }
    }

    private static void Colour(ReadOnlySpan<byte> row, Span<byte> to, ResampleWeights columns)
    {
        ref var start = ref MemoryMarshal.GetReference(row);
        for (var x = 0; x < columns.Length; x++)
        {
            var weights = columns.Weights(x);
            ref var pixel = ref Unsafe.Add(ref start, columns.First(x) * 3);
            var sum = Vector128.Create(Half);
            foreach (var weight in weights)
            {
                var four = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(ref pixel)).AsByte();
                sum += Vector128.WidenLower(Vector128.WidenLower(four)).AsInt32() * weight;
                pixel = ref Unsafe.Add(ref pixel, 3);
            }

            sum = Vector128.Min(Vector128.Max(sum >> ResampleWeights.Bits, Vector128<int>.Zero), Vector128.Create(255));
            to[(3 * x) + 2] = (byte)sum[2];
            to[(3 * x) + 1] = (byte)sum[1];
            to[3 * x] = (byte)sum[0];
        }
    }

    private static void Vertical(ReadOnlySpan<byte> rows, Span<byte> to, ReadOnlySpan<int> weights)
    {
        var x = 0;
        ref var start = ref MemoryMarshal.GetReference(rows);
        for (; x + Vector128<byte>.Count <= to.Length; x += Vector128<byte>.Count)
        {
            Vector256<int> low = Vector256.Create(Half), high = low;
            var at = x;
            foreach (var weight in weights)
            {
                var pixels = Vector256.Create(Vector128.LoadUnsafe(ref start, (nuint)at), default);
                var wide = Vector256.WidenLower(pixels).AsInt16();
                low += Vector256.WidenLower(wide) * weight;
                high += Vector256.WidenUpper(wide) * weight;
                at += to.Length;
            }

            low = Clip(low);
            high = Clip(high);
            var narrow = Vector256.Narrow(low, high);
            Vector128.Narrow(narrow.GetLower().AsUInt16(), narrow.GetUpper().AsUInt16()).CopyTo(to[x..]);
        }

        for (; x < to.Length; x++)
        {
            var sum = Half;
            for (var j = 0; j < weights.Length; j++)
                sum += rows[(j * to.Length) + x] * weights[j];
            to[x] = Clip(sum);
        }
    }

    private static Vector256<int> Clip(Vector256<int> sum) =>
        Vector256.Min(Vector256.Max(sum >> ResampleWeights.Bits, Vector256<int>.Zero), Vector256.Create(255));

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> ResampleWeights.Bits, 0, 255);
}
