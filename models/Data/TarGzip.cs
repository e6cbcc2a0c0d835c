using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Walks through a .tar.gz in memory, entry by entry. Names are only compared, nothing is ever extracted.</summary>
internal static class TarGzip
{
    private const int Block = 512;
    private const int MaximumEntries = 10_000;

    // Some twenty times the largest archive that is read here; a bomb stops there.
    private const long MaximumLength = 4L << 30;

    /// <summary>Calls <paramref name="visit"/> with the name and content of every regular file.</summary>
    /// <exception cref="DataFormatException">It is not a gzipped tar archive, or damaged. Offsets count unpacked bytes.</exception>
    public static void ForEach(Stream stream, string file, Action<string, Stream> visit)
    {
        Span<byte> magic = stackalloc byte[2];
        InputFile.ReadExactly(stream, magic, file, 0);
        if (magic[0] != 0x1f || magic[1] != 0x8b)
            throw new DataFormatException(file, 0, "not a .tar.gz archive: it does not start with gzip's 1f 8b");
        stream.Position = 0;
        using var tar = new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
        var header = new byte[Block];
        long offset = 0;
        for (var entries = 0; ReadHeader(tar, header, file, ref offset); entries++)
        {
            if (entries == MaximumEntries)
                throw new DataFormatException(file, offset, $"more than {MaximumEntries} entries");
            var start = offset - Block;
            var length = Octal(header.AsSpan(124, 12), file, start + 124);
            if (Octal(header.AsSpan(148, 8), file, start + 148) != Checksum(header))
                throw new DataFormatException(file, start, "not a tar archive, or damaged: a header's checksum is wrong");
            if (length > MaximumLength - offset)
                throw new DataFormatException(file, offset, $"an entry of {length} bytes; archives above {MaximumLength} bytes are not read");
            using var content = new TarContent(tar, length);
            // '0' and NUL mark regular files; links, folders and extensions are passed over.
            if (header[156] is (byte)'0' or 0)
                visit(Name(header), content);
            Skip(tar, content.Left + (-length & (Block - 1)), file, offset + length - content.Left);
            offset += (length + Block - 1) / Block * Block;
        }

        CheckEnd(stream, Drain(tar, file, offset), file);
    }

    // An archive ends with zero blocks; some writers leave them out.
    private static bool ReadHeader(Stream tar, byte[] header, string file, ref long offset)
    {
        var got = InputFile.ReadUpTo(tar, header, file, offset);
        offset += got;
        if (got == 0 && offset > 0)
            return false;
        return got == Block
            ? header.AsSpan().ContainsAnyExcept((byte)0)
            : throw new DataFormatException(file, offset, "truncated: the archive ends inside a header");
    }

    // What follows the last entry is padding; reading it makes gzip check its sum. Returns the archive's unpacked length.
    private static long Drain(Stream tar, string file, long offset)
    {
        var buffer = new byte[1 << 16];
        int got;
        do
        {
            got = InputFile.ReadUpTo(tar, buffer, file, offset);
            offset += got;
            if (offset > MaximumLength)
                throw new DataFormatException(file, offset, $"archives above {MaximumLength} bytes are not read");
        }
        while (got == buffer.Length);
        return offset;
    }

    // The decompressor takes a truncated file for a complete one. A gzip file ends with its unpacked length modulo 2^32.
    private static void CheckEnd(Stream stream, long unpacked, string file)
    {
        Span<byte> end = stackalloc byte[4];
        stream.Position = Math.Max(0, stream.Length - end.Length);
        InputFile.ReadExactly(stream, end, file, stream.Position);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(end);
        if (length != (uint)unpacked)
            throw new DataFormatException(file, unpacked, $"truncated: the archive ends after {unpacked} unpacked bytes, its last four bytes announce {length}");
    }

    private static void Skip(Stream tar, long count, string file, long offset)
    {
        var buffer = new byte[(int)Math.Min(count, 1 << 16)];
        while (count > 0)
        {
            var now = buffer.AsSpan(0, (int)Math.Min(count, buffer.Length));
            InputFile.ReadExactly(tar, now, file, offset);
            count -= now.Length;
            offset += now.Length;
        }
    }

    private static long Octal(ReadOnlySpan<byte> field, string file, long offset)
    {
        long value = 0;
        foreach (var digit in field.Trim(" \0"u8))
        {
            if (digit is < (byte)'0' or > (byte)'7')
                throw new DataFormatException(file, offset, "not a tar archive, or damaged: a number in a header is not octal");
            value = (value * 8) + (digit - '0');
        }

        return value;
    }

    // The sum of all bytes with the checksum's own field taken as spaces.
    private static long Checksum(ReadOnlySpan<byte> header)
    {
        var sum = 0;
        for (var i = 0; i < header.Length; i++)
            sum += i is >= 148 and < 156 ? ' ' : header[i];
        return sum;
    }

    private static string Name(ReadOnlySpan<byte> header)
    {
        var name = Text(header[..100]);
        var folder = header.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(header.Slice(345, 155)) : "";
        return folder.Length > 0 ? $"{folder}/{name}" : name;
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
