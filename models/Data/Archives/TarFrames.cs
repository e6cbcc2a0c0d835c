using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>A tar archive on its way to <see cref="System.Formats.Tar.TarReader"/>, checked for what that one takes or does not bear.</summary>
/// <remarks>
/// It takes headers with a wrong checksum, and makes room for whatever length an extended header claims; it does not say how much of a cut
/// entry is missing, and refuses archives that end without zeros or padding and links with a length, which are whole. Headers are therefore
/// checked here, block by block, and what is missing of an end is made up.
/// </remarks>
internal sealed class TarFrames(Stream tar, string file) : Stream
{
    private const int Block = TarHeader.Size;

    // What a name or a list of attributes in front of an entry may have.
    private const int MaximumExtension = 1 << 20;

    // Some twenty times the largest archive that is read here; a bomb stops there.
    private const long MaximumLength = 4L << 30;

    private readonly byte[] _header = new byte[Block];
    private int _served = Block;
    private long _position;
    private long _end;
    private long _next;

    /// <summary>Whether the last header was one of attributes in front of an entry.</summary>
    public bool InExtension { get; private set; }

    /// <summary>Bytes of the current entry that have not been read.</summary>
    public long Missing => Math.Max(0, _end - _position);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>Says how long the entry is whose header was read last: attributes in front of it may say other than the header.</summary>
    /// <exception cref="DataFormatException">The archive would be longer than is read here.</exception>
    public void Begin(long length)
    {
        if (length > MaximumLength - _position)
            throw Bad(_position, $"an entry of {length} bytes; archives above {MaximumLength} bytes are not read");
        _end = _position + length;
        _next = _position + ((length + Block - 1) / Block * Block);
    }

    /// <exception cref="DataFormatException">A header is damaged or cut, or something is too long.</exception>
    /// <exception cref="EndOfStreamException">The archive ends inside an entry.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_served == Block && _position == _next)
            ReadHeader();
        if (_served < Block)
        {
            var part = _header.AsSpan(_served, Math.Min(buffer.Length, Block - _served));
            part.CopyTo(buffer);
            _served += part.Length;
            return part.Length;
        }

        var wanted = (int)Math.Min(buffer.Length, (_position < _end ? _end : _next) - _position);
        var got = wanted == 0 ? 0 : tar.Read(buffer[..wanted]);
        if (got == 0 && wanted > 0)
        {
            if (_position < _end)
                throw new EndOfStreamException($"the archive ends, {Missing} bytes of this entry are missing");
            if (_position > _end)
                throw Bad(_position, "truncated: the archive ends inside the padding of an entry");
            // A last entry whose padding was left out is whole all the same.
            buffer[..wanted].Clear();
            _end = _next = _position;
            return wanted;
        }

        _position += got;
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Reads what follows the last entry, which is padding: gzip then checks its sum and what lies behind it.</summary>
    public void Drain()
    {
        var buffer = new byte[1 << 16];
        int got;
        do
        {
            got = InputFile.ReadUpTo(tar, buffer, file, _position);
            _position += got;
            if (_position > MaximumLength)
                throw Bad(_position, $"archives above {MaximumLength} bytes are not read");
        }
        while (got == buffer.Length);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void ReadHeader()
    {
        var start = _position;
        var got = InputFile.ReadUpTo(tar, _header, file, start);
        if (got < Block && (got > 0 || start == 0))
            throw Bad(start + got, "truncated: the archive ends inside a header");
        // An archive ends with zero blocks; some writers leave them out.
        _header.AsSpan(got).Clear();
        _position += got;
        _served = 0;
        if (!_header.AsSpan().ContainsAnyExcept((byte)0))
            return;
        var header = TarHeader.Parse(_header, file, start);
        InExtension = header.IsExtension;
        if (InExtension && header.Length > MaximumExtension)
            throw Bad(start + TarHeader.LengthAt, $"a name or attributes of {header.Length} bytes in front of an entry; at most {MaximumExtension} are read");
        if (header.Length == 0)
            TarHeader.ClearLength(_header);
        Begin(header.Length);
    }

    private DataFormatException Bad(long offset, string rule) => new(file, offset, rule);
}
