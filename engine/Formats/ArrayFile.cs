using System.Buffers.Binary;

namespace EscNative.Engine.Formats;

/// <summary>Opens files of named arrays of every format that is read: safetensors, checkpoints of PyTorch, .npz, and an index of several such files.</summary>
public static class ArrayFile
{
    /// <summary>Opens a file. Its bytes say what it is, not its name.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, is none of these formats (the message says what it seems to be, and what to do), or
    /// breaks a rule of its own.</exception>
    public static INamedArraySource Open(string path) => IsIndex(path) ? ShardedFile.Open(path) : OpenWhole(path);

    /// <summary>The files that hold what a path stands for: itself, and where it is an index all that it names.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, or is a damaged index.</exception>
    public static IReadOnlyList<string> FilesOf(string path) => IsIndex(path) ? [path, .. ShardedFile.FilesOf(path)] : [path];

    /// <summary>Opens a seekable stream; it is closed with what is returned.</summary>
    /// <param name="stream">The content.</param>
    /// <param name="name">The name for messages.</param>
    /// <exception cref="DataFormatException">As for <see cref="Open(string)"/>.</exception>
    public static INamedArraySource Open(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        try
        {
            var start = new byte[FileGuess.Length];
            var count = InputFile.ReadUpTo(stream, start, name, 0);
            stream.Position = 0;
            // A safetensors file starts with the length of its header, whose upper half is zero; a zip archive has a version there.
            if (count >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(start) == ZipReader.Signature && start.AsSpan(4, 4).ContainsAnyExcept((byte)0))
                return OpenZip(ZipReader.Open(stream, name));
            if (PyTorchFile.IsLegacy(start.AsSpan(0, count)))
                return PyTorchFile.Open(stream, name);
            return FileGuess.Of(start.AsSpan(0, count), stream.Length) is { } other
                ? throw new DataFormatException(name, null, other)
                : SafetensorsFile.Open(stream, name);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file that is no index.</summary>
    internal static INamedArraySource OpenWhole(string path) => Open(InputFile.Open(path), path);

    private static bool IsIndex(string path)
    {
        using var stream = InputFile.Open(path);
        var start = new byte[FileGuess.Length];
        return ShardedFile.IsIndex(path, start.AsSpan(0, InputFile.ReadUpTo(stream, start, path, 0)));
    }

    private static INamedArraySource OpenZip(ZipReader archive)
    {
        if (PyTorchFile.FolderOf(archive) is not null)
            return PyTorchFile.OpenZip(archive);
        if (FileGuess.OfZip([.. archive.Entries.Select(e => e.Name)]) is not { } other)
            return NpzFile.Open(archive);
        archive.Dispose();
        throw new DataFormatException(archive.Name, null, other);
    }
}
