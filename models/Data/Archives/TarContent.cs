namespace EscNative.Models.Data;

/// <summary>The bytes of one tar entry; the archive's end inside it is an <see cref="EndOfStreamException"/>.</summary>
internal sealed class TarContent(Stream tar, long length) : Stream
{
    private long _read;

    /// <summary>Bytes not yet read.</summary>
    public long Left => length - _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var wanted = (int)Math.Min(buffer.Length, Left);
        if (wanted == 0)
            return 0;
        var got = tar.Read(buffer[..wanted]);
        if (got == 0)
            throw new EndOfStreamException($"the archive ends, {Left} bytes of this entry are missing");
        _read += got;
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
