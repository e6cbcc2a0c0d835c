using System.Buffers.Binary;

namespace EscNative.Engine.Formats;

/// <summary>Unpacks gzip files (RFC 1952): any number of members one after another, zeros behind the last, every checksum and length checked.</summary>
/// <remarks>
/// The library's own stream takes a file that is cut or has another file behind it for a whole one. Faults here are
/// <see cref="DataFormatException"/>s whose offset counts bytes of the packed file.
/// </remarks>
public sealed class GunzipStream : Stream
{
    private readonly string _file;
    private readonly ByteSource _source;
    private readonly Inflater _inflater;
    private uint _crc;
    private long _member;
    private long _length;
    private bool _open;
    private bool _ended;

    /// <summary>Reads from a stream, which stays open.</summary>
    /// <param name="packed">The file, at its first byte.</param>
    /// <param name="file">Its name, for messages.</param>
    public GunzipStream(Stream packed, string file)
    {
        ArgumentNullException.ThrowIfNull(packed);
        _file = file;
        _source = new ByteSource(packed, file);
        _inflater = new Inflater(_source);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <summary>Not known before the end.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>How many bytes have been unpacked.</summary>
    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>Whether a file starts as gzip files do.</summary>
    /// <param name="start">Its first two bytes, or more.</param>
    public static bool IsGzip(ReadOnlySpan<byte> start) => start is [0x1f, 0x8b, ..];

    /// <summary>Unpacks some bytes.</summary>
    /// <param name="buffer">Where to put them.</param>
    /// <returns>How many; 0 at the end of the last member.</returns>
    /// <exception cref="DataFormatException">The file is damaged, truncated, or goes on behind its end.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (!_ended)
        {
            if (!_open && !Begin())
                break;
            var count = _inflater.Read(buffer);
            if (count > 0)
            {
                _crc = Crc32.Append(_crc, buffer[..count]);
                _member += count;
                _length += count;
                return count;
            }

            CheckTrailer();
            _open = false;
        }

        _ended = true;
        return 0;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    // False at the end of the file.
    private bool Begin()
    {
        var start = _source.Offset;
        var first = _source.Next();
        if (first < 0 && start > 0)
            return false;
        var second = first < 0 ? -1 : _source.Next();
        if (first != 0x1f || second != 0x8b)
        {
            if (start == 0)
                throw Bad(0, first < 0 ? "is empty, wants a gzip file" : "not a gzip file: it does not start with 1f 8b");
            CheckRest(start, first, second);
            return false;
        }

        ReadHeader(start);
        _inflater.Begin();
        _crc = 0;
        _member = 0;
        _open = true;
        return true;
    }

    private void ReadHeader(long start)
    {
        const int headerCrc = 2, extra = 4, name = 8, comment = 16, reserved = 0xe0;
        var sum = Crc32.Append(0, [0x1f, 0x8b]);
        var method = Header(ref sum);
        if (method != 8)
            throw Bad(start + 2, $"a gzip file of method {method}; deflate (8) is read");
        var flags = Header(ref sum);
        if ((flags & reserved) != 0)
            throw Bad(start + 3, $"a gzip header with reserved flags ({flags:x2}): damaged, or of a newer kind");
        for (var i = 0; i < 6; i++)
            Header(ref sum);
        if ((flags & extra) != 0)
        {
            var length = Header(ref sum);
            length |= Header(ref sum) << 8;
            for (; length > 0; length--)
                Header(ref sum);
        }

        foreach (var text in (ReadOnlySpan<int>)[name, comment])
        {
            while ((flags & text) != 0 && Header(ref sum) != 0)
            {
            }
        }

        if ((flags & headerCrc) == 0)
            return;
        var at = _source.Offset;
        var (own, ignored) = (sum & 0xffff, 0u);
        var told = (uint)Header(ref ignored);
        told |= (uint)Header(ref ignored) << 8;
        if (told != own)
            throw Bad(at, $"a gzip header whose checksum is {own:x4}, not {told:x4} as it says: damaged");
    }

    private int Header(ref uint sum)
    {
        var value = _source.Next();
        if (value < 0)
            throw Bad(_source.Offset, "truncated: the file ends inside a gzip header");
        sum = Crc32.Append(sum, [(byte)value]);
        return value;
    }

    private void CheckTrailer()
    {
        var at = _source.Offset;
        Span<byte> trailer = stackalloc byte[8];
        for (var i = 0; i < trailer.Length; i++)
        {
            trailer[i] = _source.Next() is var value and >= 0
                ? (byte)value
                : throw Bad(at + i, $"truncated: the file ends early, {trailer.Length - i} bytes of the checksum and length behind its data are missing");
        }

        var crc = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        if (crc != _crc)
            throw Bad(at, $"cannot be read on: the data is damaged, its CRC-32 is {_crc:x8}, not {crc:x8} as the gzip trailer says");
        if (length != (uint)_member)
            throw Bad(at + 4, $"cannot be read on: {_member} bytes were unpacked, the gzip trailer says {length} (modulo 2^32)");
    }

    // Tapes and disks pad with zeros; anything else is not part of the archive.
    private void CheckRest(long start, int first, int second)
    {
        var zeros = first == 0 && second <= 0;
        while (_source.Fill())
        {
            zeros = zeros && !_source.Ready.ContainsAnyExcept((byte)0);
            _source.Skip(_source.Ready.Length);
        }

        if (!zeros)
        {
            var count = _source.Offset - start;
            throw Bad(start, $"{count} {(count == 1 ? "byte" : "bytes")} behind the archive that are neither another gzip member nor zeros; cut them off");
        }
    }

    private DataFormatException Bad(long offset, string rule) => new(_file, offset, rule);
}
