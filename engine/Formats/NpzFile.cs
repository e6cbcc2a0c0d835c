namespace EscNative.Engine.Formats;

/// <summary>An open .npz file of NumPy (a zip archive of .npy files, stored or deflated): what it holds is checked when it is opened, each array is
/// read when it is asked for.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class NpzFile : INamedArraySource
{
    private const string Extension = ".npy";

    private readonly ZipReader _archive;
    private readonly List<NamedArrayInfo> _entries = [];
    private readonly Dictionary<string, (ZipEntry Entry, NamedArrayInfo Info)> _byName = new(StringComparer.Ordinal);

    private NpzFile(ZipReader archive)
    {
        _archive = archive;
        foreach (var entry in archive.Entries)
        {
            if (!entry.Name.EndsWith(Extension, StringComparison.Ordinal))
                throw new DataFormatException(Name, entry.DataOffset, $"entry '{entry.Name}' is not a .npy file; an .npz archive holds nothing else");
            using var start = archive.OpenStart(entry);
            var header = Npy.ReadHeader(start, entry.Size, Inner(entry));
            var info = new NamedArrayInfo(entry.Name[..^Extension.Length], header.Type.ToString(), header.Type, header.Shape, entry.Size - header.Length);
            _entries.Add(info);
            _byName.Add(info.Name, (entry, info));
        }
    }

    /// <summary>The file's name, as it was opened.</summary>
    public string Name => _archive.Name;

    /// <summary>The arrays in the order of the archive, by their names there without <c>.npy</c>.</summary>
    public IReadOnlyList<NamedArrayInfo> Entries => _entries;

    /// <summary>Empty: an .npz file has no room for it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <summary>Opens a file, and checks its directory and the header of every array.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, is not a sound zip archive, or an entry is not a .npy file that is
    /// read (see <see cref="Npy.Read(string)"/>).</exception>
    public static NpzFile Open(string path) => Open(InputFile.Open(path), path);

    /// <summary>Opens a seekable stream; it is closed with this object.</summary>
    /// <param name="stream">The content.</param>
    /// <param name="name">The name for messages.</param>
    /// <exception cref="DataFormatException">As for <see cref="Open(string)"/>.</exception>
    public static NpzFile Open(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Open(ZipReader.Open(stream, name));
    }

    /// <summary>Reads an archive that is open; it is closed with this object.</summary>
    internal static NpzFile Open(ZipReader archive)
    {
        try
        {
            return new NpzFile(archive);
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    /// <summary>Reads every array.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">As for <see cref="Open(string)"/>, or an array is damaged.</exception>
    public static IReadOnlyDictionary<string, NamedArray> ReadAll(string path) => ReadAll(InputFile.Open(path), path);

    /// <summary>Reads every array of a seekable stream, which is closed.</summary>
    /// <param name="stream">The content.</param>
    /// <param name="name">The name for messages.</param>
    /// <exception cref="DataFormatException">As for <see cref="ReadAll(string)"/>.</exception>
    public static IReadOnlyDictionary<string, NamedArray> ReadAll(Stream stream, string name)
    {
        using var file = Open(stream, name);
        return file._entries.ToDictionary(e => e.Name, e => file.Read(e.Name), StringComparer.Ordinal);
    }

    /// <summary>What is known about an array, or null where there is none of that name.</summary>
    /// <param name="name">The array's name.</param>
    public NamedArrayInfo? Find(string name) => _byName.TryGetValue(name, out var found) ? found.Info : null;

    /// <summary>Reads one array; arrays in Fortran order come out row-major.</summary>
    /// <param name="name">The array's name.</param>
    /// <exception cref="DataFormatException">There is no such array, it has 2 GiB or more, or it is damaged.</exception>
    public NamedArray Read(string name) => _byName.TryGetValue(name, out var found)
        ? Npy.Read(_archive.Read(found.Entry), name, Inner(found.Entry))
        : throw new DataFormatException(Name, null, $"has no array '{name}' (it has {_entries.Count}, for example {string.Join(", ", _entries.Take(3).Select(e => $"'{e.Name}'"))})");

    /// <summary>Closes the file.</summary>
    public void Dispose() => _archive.Dispose();

    private string Inner(ZipEntry entry) => $"{Name}!{entry.Name}";
}
