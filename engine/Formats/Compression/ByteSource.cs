namespace EscNative.Engine.Formats;

/// <summary>A stream behind a buffer from which a decoder may take more bytes than it turns out to need: the last eight can be given back.</summary>
internal sealed class ByteSource(Stream stream, string file)
{
    private const int Size = 1 << 16;
    private const int Kept = 8;

    private readonly byte[] _buffer = new byte[Size];
    private int _at;
    private int _end;
    private long _before;

    /// <summary>The file, for messages.</summary>
    public string File => file;

    /// <summary>Where the next byte stands, counted from where the stream was at the start.</summary>
    public long Offset => _before + _at;

    /// <summary>Bytes at hand; <see cref="Fill"/> gets more.</summary>
    public ReadOnlySpan<byte> Ready => _buffer.AsSpan(_at, _end - _at);

    /// <summary>Takes bytes that are at hand.</summary>
    public void Skip(int count) => _at += count;

    /// <summary>Gives back up to eight bytes that were taken last.</summary>
    public void Unread(int count) => _at -= count;

    /// <summary>Makes at least one byte available.</summary>
    /// <returns>False at the end of the stream.</returns>
    /// <exception cref="DataFormatException">The stream cannot be read.</exception>
    public bool Fill()
    {
        if (_at < _end)
            return true;
        var kept = Math.Min(Kept, _at);
        _buffer.AsSpan(_at - kept, kept).CopyTo(_buffer);
        _before += _at - kept;
        _at = kept;
        // One read is enough, and what a slow stream has ready is not waited beyond.
        _end = kept + InputFile.ReadSome(stream, _buffer.AsSpan(kept), file, Offset);
        return _end > _at;
    }

    /// <summary>The next byte, or -1 at the end.</summary>
    public int Next() => Fill() ? _buffer[_at++] : -1;
}
