namespace EscNative.Engine.Formats;

/// <summary>Reads NumPy's .npz files: zip archives of .npy files, stored or deflated.</summary>
public static class Npz
{
    private const string Extension = ".npy";

    /// <summary>Reads every array, by its name in the archive without <c>.npy</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, is not a sound zip archive, or an entry is not a .npy file that is
    /// read (see <see cref="Npy.Read(string)"/>).</exception>
    public static IReadOnlyDictionary<string, NamedArray> Read(string path) => Read(InputFile.Open(path), path);

    /// <summary>Reads every array from a seekable stream, which is closed.</summary>
    /// <param name="stream">The content.</param>
    /// <param name="file">The name for messages.</param>
    /// <exception cref="DataFormatException">As for <see cref="Read(string)"/>.</exception>
    public static IReadOnlyDictionary<string, NamedArray> Read(Stream stream, string file)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var archive = ZipReader.Open(stream, file);
        var arrays = new Dictionary<string, NamedArray>(StringComparer.Ordinal);
        foreach (var entry in archive.Entries)
        {
            if (!entry.Name.EndsWith(Extension, StringComparison.Ordinal))
                throw new DataFormatException(file, entry.DataOffset, $"entry '{entry.Name}' is not a .npy file; an .npz archive holds nothing else");
            var name = entry.Name[..^Extension.Length];
            arrays.Add(name, Npy.Read(archive.Read(entry), name, $"{file}!{entry.Name}"));
        }

        return arrays;
    }
}
