namespace EscNative.Engine.Formats;

/// <summary>A write-only stream whose failures say which output could not be written.</summary>
/// <param name="inner">The file.</param>
/// <param name="failure">What to throw for a failure of it.</param>
internal sealed class OutputStream(Stream inner, Func<Exception, OutputException> failure) : Stream
{
    public bool Closed { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => !Closed;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(Closed, this);
        try
        {
            inner.Write(buffer);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw failure(cause);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        try
        {
            inner.Flush();
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw failure(cause);
        }
    }

    /// <summary>Returns when the content has reached the disk, as far as the operating system can tell.</summary>
    public void FlushToDisk()
    {
        Flush();
        if (inner is not FileStream file)
            return;
        try
        {
            file.Flush(flushToDisk: true);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw failure(cause);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (!disposing || Closed)
            return;
        Closed = true;
        try
        {
            inner.Dispose();
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw failure(cause);
        }
        finally
        {
            base.Dispose(disposing);
        }
    }
}
