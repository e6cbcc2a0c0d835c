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
