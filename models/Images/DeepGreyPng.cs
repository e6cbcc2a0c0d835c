using System.Buffers.Binary;
using System.IO.Compression;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Images;

/// <summary>Reads PNG images that are grey with 16 bits: Skia keeps their high bytes, Pillow clamps them to 255.</summary>
/// <remarks>Only for files that Skia has read before: checksums and the order of chunks are known to be good.</remarks>
internal static class DeepGreyPng
{
    private const int Bytes = 2;

    // First row, first column, steps down and right of the seven passes of an interlaced image.
    private static readonly (int Row, int Column, int Down, int Right)[] Passes =
        [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)];

    /// <summary>The image, one channel.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="memory">Gives memory for the pixels.</param>
    /// <exception cref="DataFormatException">It ends early or has a filter that there is not.</exception>
    public static Image Read(byte[] content, string file, int height, int width, Func<int, Memory<byte>> memory)
    {
        using var packed = new MemoryStream();
        for (var at = 8; at + 12 <= content.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(at));
            if (length < 0 || length > content.Length - at - 12)
                throw Damaged(file, at);
            if (content.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8))
                packed.Write(content, at + 8, length);
            // Whatever is behind the image's end is no part of it.
            if (content.AsSpan(at + 4, 4).SequenceEqual("IEND"u8))
                break;
            at += length + 12;
        }

        packed.Position = 0;
        using var data = new ZLibStream(packed, CompressionMode.Decompress);
        var image = memory(height * width);
        var pixels = image.Span;
        try
        {
            foreach (var (row, column, down, right) in content[28] == 0 ? [(0, 0, 1, 1)] : Passes)
            {
                var across = (width - column + right - 1) / right;
                if (across <= 0)
                    continue;
                var (line, above) = (new byte[across * Bytes], new byte[across * Bytes]);
                for (var y = row; y < height; y += down)
                {
                    var filter = data.ReadByte();
                    data.ReadExactly(line);
                    Restore(filter, line, above, file);
                    for (var i = 0; i < across; i++)
                        pixels[(y * width) + column + (i * right)] = line[Bytes * i] != 0 ? byte.MaxValue : line[(Bytes * i) + 1];
                    (line, above) = (above, line);
                }
            }
        }
        catch (Exception cause) when (cause is InvalidDataException or EndOfStreamException)
        {
            throw new DataFormatException(file, null, "is a PNG image that ends early: the file is cut or damaged", cause);
        }

        return new Image(height, width, 1, image);
    }

    private static void Restore(int filter, Span<byte> line, ReadOnlySpan<byte> above, string file)
    {
        for (var i = 0; i < line.Length; i++)
        {
            int left = i >= Bytes ? line[i - Bytes] : 0, up = above[i], corner = i >= Bytes ? above[i - Bytes] : 0;
            line[i] += (byte)(filter switch
            {
                0 => 0,
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                4 => Nearest(left, up, corner),
                _ => throw Damaged(file, null),
            });
        }
    }

    private static int Nearest(int left, int up, int corner)
    {
        int toLeft = Math.Abs(up - corner), toUp = Math.Abs(left - corner), toCorner = Math.Abs(left + up - (2 * corner));
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }

    private static DataFormatException Damaged(string file, long? at) => new(file, at, "is a damaged PNG image");
}
