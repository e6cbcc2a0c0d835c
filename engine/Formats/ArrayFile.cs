using System.Buffers.Binary;

namespace EscNative.Engine.Formats;

/// <summary>Opens files of named arrays of every format that is read: safetensors, and .npz.</summary>
public static class ArrayFile
{
    private const uint Zip = 0x04034b50;

    /// <summary>Opens a file. Its first bytes say what it is, not its name.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, is none of these formats, or breaks a rule of its own.</exception>
    public static INamedArraySource Open(string path)
    {
        var stream = InputFile.Open(path);
        try
        {
            Span<byte> start = stackalloc byte[8];
            var count = InputFile.ReadUpTo(stream, start, path, 0);
            stream.Position = 0;
            // A safetensors file starts with the length of its header, whose upper half is zero; a zip archive has a version there.
            var isZip = count == start.Length && BinaryPrimitives.ReadUInt32LittleEndian(start) == Zip && start[4..].ContainsAnyExcept((byte)0);
            return isZip ? NpzFile.Open(stream, path) : SafetensorsFile.Open(stream, path);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }
}
