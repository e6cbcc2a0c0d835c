namespace EscNative.Engine.Formats;

/// <summary>Opens and reads input files; whatever goes wrong is a <see cref="DataFormatException"/> that names the file.</summary>
public static class InputFile
{
    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It does not exist, is a folder or a pipe, or may not be read.</exception>
    public static FileStream Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path))
            throw new DataFormatException(path, null, "is a folder, wants a file");
        FileStream stream;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataFormatException(path, null, "the file does not exist", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new DataFormatException(path, null, $"cannot be opened: {cause.Message}", cause);
        }

        if (stream.CanSeek)
            return stream;
        stream.Dispose();
        throw new DataFormatException(path, null, "is a pipe or a device, wants a file, whose length is known; save it first");
    }

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">The most bytes that make sense for it.</param>
    /// <exception cref="DataFormatException">It cannot be read, or is larger than <paramref name="limit"/>.</exception>
    public static byte[] ReadAll(string path, int limit)
    {
        using var stream = Open(path);
        if (stream.Length > limit)
            throw new DataFormatException(path, null, $"has {stream.Length} bytes, at most {limit} are accepted here");
        var content = new byte[stream.Length];
        ReadExactly(stream, content, path, 0);
        return content;
    }

    /// <summary>Fills <paramref name="buffer"/> from the stream's position.</summary>
    /// <param name="stream">Where to read.</param>
    /// <param name="buffer">What to fill.</param>
    /// <param name="file">The name for the message.</param>
    /// <param name="offset">The stream's position, for the message.</param>
    /// <exception cref="DataFormatException">The stream ends before, is damaged (compressed streams), or cannot be read.</exception>
    public static void ReadExactly(Stream stream, Span<byte> buffer, string file, long offset)
    {
        var got = ReadUpTo(stream, buffer, file, offset);
        if (got < buffer.Length)
            throw new DataFormatException(file, offset + got, $"ends here, {buffer.Length - got} more bytes were expected");
    }

    /// <summary>The content of a text file without its byte order mark.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="file">The name for the message.</param>
    /// <returns>What follows the mark of UTF-8; everything where there is none.</returns>
    /// <exception cref="DataFormatException">It is text of 16 or 32 bits a character.</exception>
    public static ReadOnlyMemory<byte> WithoutByteOrderMark(ReadOnlyMemory<byte> content, string file)
    {
        var start = content.Span;
        if (start.StartsWith("\uFEFF"u8))
            return content[3..];
        var wide = start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe, 0, 0]) || start.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xfe, 0xff]) ? "UTF-32"
            : start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]) || start.StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]) ? "UTF-16"
            // Without a mark, but with a plain first character, as every text here has.
            : start.Length >= 2 && (start[0] == 0) != (start[1] == 0) ? "UTF-16"
            : null;
        return wide is null ? content : throw new DataFormatException(file, 0, $"is {wide} text; save it as UTF-8");
    }

    /// <summary>Reads what the stream has at hand, at least one byte but at its end.</summary>
    internal static int ReadSome(Stream stream, Span<byte> buffer, string file, long offset)
    {
        try
        {
            return stream.Read(buffer);
        }
        catch (Exception cause) when (cause is IOException or InvalidDataException)
        {
            throw new DataFormatException(file, offset, $"cannot be read on: {cause.Message}", cause);
        }
    }

    /// <summary>Fills as much of <paramref name="buffer"/> as the stream still has.</summary>
    /// <param name="stream">Where to read.</param>
    /// <param name="buffer">What to fill.</param>
    /// <param name="file">The name for the message.</param>
    /// <param name="offset">The stream's position, for the message.</param>
    /// <returns>The bytes read; fewer than the buffer only at the end of the stream.</returns>
    /// <exception cref="DataFormatException">The stream is damaged (compressed streams) or cannot be read.</exception>
    public static int ReadUpTo(Stream stream, Span<byte> buffer, string file, long offset)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var got = 0;
        try
        {
            while (got < buffer.Length && stream.Read(buffer[got..]) is var n and > 0)
                got += n;
        }
        catch (Exception cause) when (cause is IOException or InvalidDataException)
        {
            throw new DataFormatException(file, offset + got, $"cannot be read on: {cause.Message}", cause);
        }

        return got;
    }
}
