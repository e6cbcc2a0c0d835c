using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Walks through a .tar.gz in memory, entry by entry. Names are only compared, nothing is ever extracted.</summary>
internal static class TarGzip
{
    private const int Block = TarHeader.Size;
    private const int MaximumEntries = 10_000;

    // What a name or a list of attributes in front of an entry may have.
    private const int MaximumExtension = 1 << 20;

    // Some twenty times the largest archive that is read here; a bomb stops there.
    private const long MaximumLength = 4L << 30;

    /// <summary>Calls <paramref name="visit"/> with the name (without <c>./</c>, doubled or last slashes) and content of every regular file.</summary>
    /// <returns>How many links, devices and other entries that are no files or folders were passed over.</returns>
    /// <exception cref="DataFormatException">It is not a gzipped tar archive, or damaged. Offsets count unpacked bytes, but for
    /// faults of the compression.</exception>
    public static int ForEach(Stream stream, string file, Action<string, Stream> visit)
    {
        Span<byte> magic = stackalloc byte[2];
        InputFile.ReadExactly(stream, magic, file, 0);
        if (!GunzipStream.IsGzip(magic))
            throw new DataFormatException(file, 0, "not a .tar.gz archive: it does not start with gzip's 1f 8b");
        stream.Position = 0;
        using var tar = new GunzipStream(stream, file);
        var block = new byte[Block];
        var (passed, next) = (0, new TarAttributes());
        long offset = 0;
        for (var entries = 0; ReadBlock(tar, block, file, ref offset); entries++)
        {
            if (entries == MaximumEntries)
                throw new DataFormatException(file, offset, $"more than {MaximumEntries} entries");
            var header = TarHeader.Parse(block, file, offset - Block);
            if (header.IsExtension)
            {
                if (header.Length > MaximumExtension)
                    throw new DataFormatException(file, offset - Block + TarHeader.LengthAt, $"a name or attributes of {header.Length} bytes in front of an entry; at most {MaximumExtension} are read");
                var bytes = new byte[header.Length];
                InputFile.ReadExactly(tar, bytes, file, offset);
                next.Read(header.Kind, bytes, file, offset);
                SkipPadding(tar, header.Length, file, offset + header.Length, "an extended header");
                offset += Padded(header.Length);
                continue;
            }

            var name = TarHeader.Normalised(next.Name ?? header.Name);
            var length = next.Length ?? header.Length;
            next.Clear();
            if (length > MaximumLength - offset)
                throw new DataFormatException(file, offset, $"an entry of {length} bytes; archives above {MaximumLength} bytes are not read");
            using var content = new TarContent(tar, length);
            if (header.IsFile)
                visit(name, content);
            else if (!header.IsFolder)
                passed++;
            var read = length - content.Left;
            Skip(tar, content.Left, file, offset + read, name);
            SkipPadding(tar, length, file, offset + length, name);
            offset += Padded(length);
        }

        Drain(tar, file, offset);
        return passed;
    }

    private static long Padded(long length) => (length + Block - 1) / Block * Block;

    // An archive ends with zero blocks; some writers leave them out.
    private static bool ReadBlock(Stream tar, byte[] block, string file, ref long offset)
    {
        var got = InputFile.ReadUpTo(tar, block, file, offset);
        offset += got;
        if (got == 0 && offset > 0)
            return false;
        return got == Block
            ? block.AsSpan().ContainsAnyExcept((byte)0)
            : throw new DataFormatException(file, offset, "truncated: the archive ends inside a header");
    }

    // What follows the last entry is padding; reading it makes gzip check its sum and what lies behind it.
    private static void Drain(Stream tar, string file, long offset)
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
    }

    private static void Skip(Stream tar, long count, string file, long offset, string entry)
    {
        var buffer = new byte[(int)Math.Min(count, 1 << 16)];
        while (count > 0)
        {
            var now = buffer.AsSpan(0, (int)Math.Min(count, buffer.Length));
            var got = InputFile.ReadUpTo(tar, now, file, offset);
            if (got < now.Length)
                throw new DataFormatException(file, offset + got, $"truncated: the archive ends inside '{entry}', {count - got} bytes of it are missing");
            count -= now.Length;
            offset += now.Length;
        }
    }

    // A last entry whose padding was left out is whole all the same.
    private static void SkipPadding(Stream tar, long length, string file, long offset, string entry)
    {
        Span<byte> padding = stackalloc byte[(int)(Padded(length) - length)];
        var got = InputFile.ReadUpTo(tar, padding, file, offset);
        if (got > 0 && got < padding.Length)
            throw new DataFormatException(file, offset + got, $"truncated: the archive ends inside the padding of '{entry}'");
    }
}
