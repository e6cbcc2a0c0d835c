using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace EscNative.Engine.Formats;

/// <summary>
/// Reads zip archives from untrusted hands, entirely in memory. Stricter than the library's own: the local headers must agree
/// with the directory, entries may not overlap, names may not escape, sizes are bounded by the file, checksums are verified.
/// </summary>
/// <remarks>Single-volume archives, stored or deflated, with or without zip64. The start of the archive is the start of the file.</remarks>
internal sealed class ZipReader : IDisposable
{
    /// <summary>The first bytes of an archive that holds anything.</summary>
    public const uint Signature = 0x04034b50;

    private const int MaximumEntries = 100_000;
    private const uint EndSignature = 0x06054b50;
    private const uint End64Signature = 0x06064b50;
    private const uint Locator64Signature = 0x07064b50;
    private const uint DirectorySignature = 0x02014b50;
    private const uint LocalSignature = Signature;
    private const int EndLength = 22;
    private const int DirectoryEntryLength = 46;
    private const int LocalLength = 30;

    // Packed bytes that are enough for any header.
    private const int MaximumStart = 1 << 16;

    // What deflate can expand to at most.
    private const long MaximumRatio = 1032;

    private readonly Stream _stream;
    private readonly long _length;
    private readonly List<ZipEntry> _entries = [];

    private ZipReader(Stream stream, string name)
    {
        _stream = stream;
        _length = stream.Length;
        Name = name;
        var (count, offset, length) = FindDirectory();
        ReadDirectory(count, offset, length);
    }

    /// <summary>The archive's name, for messages.</summary>
    public string Name { get; }

    /// <summary>The entries in the order of the directory.</summary>
    public IReadOnlyList<ZipEntry> Entries => _entries;

    /// <summary>Opens an archive; the stream must be seekable and is closed with the reader.</summary>
    /// <exception cref="DataFormatException">It is not a zip archive, or breaks a rule.</exception>
    public static ZipReader Open(Stream stream, string name)
    {
        try
        {
            return new ZipReader(stream, name);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Unpacks one entry.</summary>
    /// <exception cref="DataFormatException">It is damaged, or larger than an array can be.</exception>
    public byte[] Read(ZipEntry entry)
    {
        if (entry.Size > Array.MaxLength)
            throw Bad(entry.DataOffset, $"entry '{entry.Name}' has {entry.Size} bytes, at most {Array.MaxLength} are read");
        var data = new byte[entry.Size];
        _stream.Position = entry.DataOffset;
        if (!entry.Deflated)
        {
            InputFile.ReadExactly(_stream, data, Name, entry.DataOffset);
        }
        else
        {
            var packed = new byte[entry.CompressedSize];
            InputFile.ReadExactly(_stream, packed, Name, entry.DataOffset);
            using var inflate = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress);
            var inner = $"{Name}!{entry.Name}";
            InputFile.ReadExactly(inflate, data, inner, 0);
            if (InputFile.ReadUpTo(inflate, stackalloc byte[1], inner, data.Length) != 0)
                throw new DataFormatException(inner, data.Length, "unpacks to more bytes than the archive's directory says");
        }

        Check(entry, data);
        return data;
    }

    /// <summary>An entry from its first byte to its last, unpacked; its checksum was right. Only one at a time may be read.</summary>
    /// <exception cref="DataFormatException">It is damaged, or larger than an array can be.</exception>
    public Stream OpenWhole(ZipEntry entry)
    {
        if (entry.Deflated)
            return new MemoryStream(Read(entry), writable: false);
        Check(entry);
        _stream.Position = entry.DataOffset;
        return new PartStream(_stream, entry.Size);
    }

    /// <summary>Reads bytes of an entry that is stored; its checksum is not looked at.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="offset">Bytes before the first.</param>
    /// <param name="into">Filled; must end within the entry.</param>
    /// <exception cref="DataFormatException">The archive cannot be read.</exception>
    public void ReadStored(ZipEntry entry, long offset, Span<byte> into)
    {
        if (entry.Deflated || offset < 0 || offset > entry.Size - into.Length)
            throw new ArgumentException($"entry '{entry.Name}': {into.Length} bytes at {offset} of {entry.Size} are not there as they are", nameof(entry));
        _stream.Position = entry.DataOffset + offset;
        InputFile.ReadExactly(_stream, into, Name, entry.DataOffset + offset);
    }

    /// <summary>Computes the checksum of an entry that is stored.</summary>
    /// <exception cref="DataFormatException">It is damaged.</exception>
    public void Check(ZipEntry entry)
    {
        var buffer = new byte[Math.Min(entry.Size, 1 << 16)];
        var crc = 0u;
        for (long done = 0; done < entry.Size; done += buffer.Length)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, entry.Size - done));
            ReadStored(entry, done, part);
            crc = Crc32.Append(crc, part);
        }

        Compare(entry, crc);
    }

    /// <summary>Compares the checksum of an entry's content.</summary>
    /// <exception cref="DataFormatException">It is damaged.</exception>
    public void Check(ZipEntry entry, ReadOnlySpan<byte> content) => Compare(entry, Crc32.Compute(content));

    private void Compare(ZipEntry entry, uint crc)
    {
        if (crc != entry.Crc)
            throw Bad(entry.DataOffset, $"entry '{entry.Name}' is damaged: its checksum is {crc:x8}, wants {entry.Crc:x8}");
    }

    /// <summary>The first bytes of an entry, unpacked, for what stands at its start: its checksum is only known after <see cref="Read"/>.</summary>
    /// <exception cref="DataFormatException">The archive cannot be read.</exception>
    public Stream OpenStart(ZipEntry entry)
    {
        var packed = new byte[Math.Min(entry.CompressedSize, MaximumStart)];
        _stream.Position = entry.DataOffset;
        InputFile.ReadExactly(_stream, packed, Name, entry.DataOffset);
        var start = new MemoryStream(packed, writable: false);
        return entry.Deflated ? new DeflateStream(start, CompressionMode.Decompress) : start;
    }

    public void Dispose() => _stream.Dispose();

    private (long Count, long Offset, long Length) FindDirectory()
    {
        var tail = ReadAt(Math.Max(0, _length - EndLength - ushort.MaxValue), (int)Math.Min(_length, EndLength + ushort.MaxValue));
        var at = tail.Length - EndLength;
        while (at >= 0 && !IsEnd(tail.AsSpan(at)))
            at--;
        if (at < 0)
            throw Bad(null, "not a zip archive, or truncated: no end-of-directory record");
        var end = tail.AsSpan(at);
        var position = _length - tail.Length + at;
        long count = U16(end, 10), length = U32(end, 12), offset = U32(end, 16);
        if (U16(end, 4) != 0 || U16(end, 6) != 0 || U16(end, 8) != U16(end, 10))
            throw Bad(position, "a zip archive in several volumes is not read");
        (count, offset, length, position) = FindDirectory64(position, (count, offset, length));
        if (count > MaximumEntries)
            throw Bad(position, $"the zip archive has {count} entries, at most {MaximumEntries} are accepted");
        if (offset > position || length != position - offset)
            throw Bad(position, $"the zip directory of {length} bytes at {offset} does not end where the end record starts");
        if (length < count * DirectoryEntryLength)
            throw Bad(position, $"a zip directory of {length} bytes cannot hold {count} entries");
        return (count, offset, length);
    }

    private (long Count, long Offset, long Length, long Position) FindDirectory64(long position, (long Count, long Offset, long Length) narrow)
    {
        const int locatorLength = 20, endLength = 56;
        // PyTorch writes the wide records into every archive; all ones in the narrow one may also be true values of an archive without them.
        if (position < locatorLength)
            return (narrow.Count, narrow.Offset, narrow.Length, position);
        var locator = ReadAt(position - locatorLength, locatorLength).AsSpan();
        if (U32(locator, 0) != Locator64Signature)
            return (narrow.Count, narrow.Offset, narrow.Length, position);
        var at = U64(locator, 8);
        if (at < 0 || at > position - locatorLength - endLength)
            throw Bad(position - locatorLength, "the zip64 locator points outside of the file");
        var end = ReadAt(at, endLength).AsSpan();
        if (U32(end, 0) != End64Signature || U64(end, 24) != U64(end, 32))
            throw Bad(at, "the zip64 end record is damaged");
        long count = U64(end, 32), length = U64(end, 40), offset = U64(end, 48);
        if (count < 0 || length < 0 || offset < 0)
            throw Bad(at, "the zip64 end record holds sizes above 2^63 - 1");
        return Agrees(narrow.Count, count, ushort.MaxValue) && Agrees(narrow.Length, length, uint.MaxValue) && Agrees(narrow.Offset, offset, uint.MaxValue)
            ? (count, offset, length, at)
            : throw Bad(at, "the zip64 end record disagrees with the end record");

        static bool Agrees(long narrow, long wide, long ones) => narrow == ones || narrow == wide;
    }

    private void ReadDirectory(long count, long offset, long length)
    {
        if (length > Array.MaxLength)
            throw Bad(offset, $"the zip directory has {length} bytes");
        var directory = ReadAt(offset, (int)length).AsSpan();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var spans = new List<(long Begin, long End, string Name)>();
        var at = 0;
        for (var i = 0L; i < count; i++)
        {
            var position = offset + at;
            if (directory.Length - at < DirectoryEntryLength || U32(directory[at..], 0) != DirectorySignature)
                throw Bad(position, $"entry {i} of the zip directory is damaged");
            var record = directory[at..];
            int nameLength = U16(record, 28), extraLength = U16(record, 30), commentLength = U16(record, 32);
            var recordLength = DirectoryEntryLength + nameLength + extraLength + commentLength;
            if (record.Length < recordLength)
                throw Bad(position, $"entry {i} of the zip directory is truncated");
            var name = CheckedName(record.Slice(DirectoryEntryLength, nameLength), position);
            if (!names.Add(name))
                throw Bad(position, $"two entries are called '{name}'");
            var (entry, begin) = ReadEntry(record[..recordLength], name, position, offset);
            spans.Add((begin, entry.DataOffset + entry.CompressedSize, name));
            _entries.Add(entry);
            at += recordLength;
        }

        if (at != directory.Length)
            throw Bad(offset + at, "the zip directory is longer than its entries");
        spans.Sort();
        for (var i = 1; i < spans.Count; i++)
        {
            if (spans[i].Begin < spans[i - 1].End)
                throw Bad(spans[i].Begin, $"entries '{spans[i - 1].Name}' and '{spans[i].Name}' overlap");
        }
    }

    private (ZipEntry Entry, long Begin) ReadEntry(ReadOnlySpan<byte> record, string name, long position, long directory)
    {
        int flags = U16(record, 8), method = U16(record, 10);
        var nameLength = U16(record, 28);
        long packed = U32(record, 20), size = U32(record, 24), local = U32(record, 42);
        Widen(record.Slice(DirectoryEntryLength + nameLength, U16(record, 30)), ref size, ref packed, ref local);
        if ((flags & 0x2041) != 0)
            throw Bad(position, $"entry '{name}' is encrypted");
        if (method is not (0 or 8))
            throw Bad(position, $"entry '{name}' is compressed with method {method}; stored and deflate are read");
        if (local < 0 || local > directory - LocalLength)
            throw Bad(position, $"entry '{name}' starts at {local}, outside of the archive");

        var header = ReadAt(local, LocalLength).AsSpan();
        var data = local + LocalLength + U16(header, 26) + U16(header, 28);
        if (U32(header, 0) != LocalSignature || U16(header, 8) != method || U16(header, 26) != nameLength || data > directory)
            throw Bad(local, $"the local header of entry '{name}' disagrees with the directory");
        var rest = ReadAt(local + LocalLength, (int)(data - local - LocalLength)).AsSpan();
        if (!rest[..nameLength].SequenceEqual(record.Slice(DirectoryEntryLength, nameLength)))
            throw Bad(local, $"the local header of entry '{name}' has another name");
        // With flag 3 the sizes follow the data; else they stand here too.
        if ((flags & 8) == 0)
        {
            long localPacked = U32(header, 18), localSize = U32(header, 22), none = 0;
            Widen(rest[nameLength..], ref localSize, ref localPacked, ref none);
            if (localPacked != packed || localSize != size || U32(header, 14) != U32(record, 16))
                throw Bad(local, $"the local header of entry '{name}' disagrees with the directory");
        }

        if (packed < 0 || packed > directory - data)
            throw Bad(position, $"entry '{name}' has {packed} bytes at {data}, beyond the archive's {directory} bytes of data");
        if (method == 0 ? size != packed : size < 0 || size / MaximumRatio > packed)
            throw Bad(position, $"entry '{name}' cannot unpack {packed} bytes to {size}");
        return (new ZipEntry(name, method == 8, data, packed, size, U32(record, 16)), local);
    }

    // Extra field 1 holds, in this order, those values whose 32-bit fields are all ones.
    private static void Widen(ReadOnlySpan<byte> extra, ref long size, ref long packed, ref long local)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), length = U16(extra, 2);
            if (length > extra.Length - 4)
                return;
            var field = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != 1)
                continue;
            Take(ref size, ref field);
            Take(ref packed, ref field);
            Take(ref local, ref field);
        }

        static void Take(ref long value, ref ReadOnlySpan<byte> field)
        {
            if (value != uint.MaxValue || field.Length < 8)
                return;
            value = U64(field, 0);
            field = field[8..];
        }
    }

    private string CheckedName(ReadOnlySpan<byte> bytes, long position)
    {
        var name = Encoding.UTF8.GetString(bytes);
        var escapes = name.Length == 0 || name[0] == '/' || name.Contains('\\') || name.Any(char.IsControl)
            || name.Contains('\uFFFD') || name.Split('/').Contains("..");
        return escapes ? throw Bad(position, $"the name of an entry is not acceptable: '{Printable(name)}'") : name;
    }

    private static string Printable(string name) => string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));

    private static bool IsEnd(ReadOnlySpan<byte> at) => U32(at, 0) == EndSignature && U16(at, 20) == at.Length - EndLength;

    private byte[] ReadAt(long offset, int length)
    {
        var bytes = new byte[length];
        _stream.Position = offset;
        InputFile.ReadExactly(_stream, bytes, Name, offset);
        return bytes;
    }

    private DataFormatException Bad(long? offset, string rule) => new(Name, offset, rule);

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    // As signed: a value above 2^63 - 1 shows as negative and is refused.
    private static long U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
}
