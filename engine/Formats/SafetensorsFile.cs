using System.Buffers.Binary;

namespace EscNative.Engine.Formats;

/// <summary>An open safetensors file: the header is checked whole when it is opened, each tensor is read when it is asked for.</summary>
/// <remarks>Not thread-safe. The rules are those of the format's reference implementation, and stricter on unknown fields, the
/// rank (16) and the length of names (1,024 bytes).</remarks>
public sealed class SafetensorsFile : INamedArraySource
{
    private readonly Stream _stream;
    private readonly long _dataStart;
    private readonly SafetensorsEntry[] _entries;
    private readonly Dictionary<string, SafetensorsEntry> _byName = new(StringComparer.Ordinal);

    private SafetensorsFile(Stream stream, string name)
    {
        _stream = stream;
        Name = name;
        Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixLength];
        InputFile.ReadExactly(stream, prefix, name, 0);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        var rest = stream.Length - prefix.Length;
        if (length > SafetensorsHeader.MaximumLength)
            throw new DataFormatException(name, 0, $"not a safetensors file: its header would have {length} bytes, at most {SafetensorsHeader.MaximumLength} are allowed");
        if (length > (ulong)rest)
            throw new DataFormatException(name, 0, $"the header has {length} bytes, the file only {rest} after its first 8: it is truncated, or not a safetensors file");
        var header = new byte[length];
        InputFile.ReadExactly(stream, header, name, prefix.Length);
        _dataStart = prefix.Length + header.Length;
        (_entries, Metadata) = SafetensorsHeader.Parse(header, stream.Length - _dataStart, name);
        foreach (var entry in _entries)
            _byName.Add(entry.Name, entry);
    }

    /// <summary>The file's name, as it was opened.</summary>
    public string Name { get; }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries => _entries;

    IReadOnlyList<NamedArrayInfo> INamedArraySource.Entries => _entries;

    /// <summary>The strings of <c>__metadata__</c>; empty when there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, or breaks a rule of the format.</exception>
    public static SafetensorsFile Open(string path) => Open(InputFile.Open(path), path);

    /// <summary>Opens a seekable stream that starts with the file's first byte; it is closed with this object.</summary>
    /// <param name="stream">The content.</param>
    /// <param name="name">The name for messages.</param>
    /// <exception cref="DataFormatException">It cannot be read, or breaks a rule of the format.</exception>
    public static SafetensorsFile Open(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        try
        {
            return new SafetensorsFile(stream, name);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads every tensor.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, breaks a rule of the format, or holds an element type that is not
    /// read.</exception>
    public static IReadOnlyDictionary<string, NamedArray> ReadAll(string path)
    {
        using var file = Open(path);
        return file._entries.ToDictionary(e => e.Name, file.Read, StringComparer.Ordinal);
    }

    /// <summary>What is known about a tensor, or null where there is none of that name.</summary>
    /// <param name="name">The tensor's name.</param>
    public NamedArrayInfo? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Reads one tensor.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <exception cref="DataFormatException">There is no such tensor, its element type is not read, it has 2 GiB or more, or the
    /// file cannot be read.</exception>
    public NamedArray Read(string name) => _byName.TryGetValue(name, out var entry)
        ? Read(entry)
        : throw new DataFormatException(Name, null, $"has no tensor '{name}' (it has {_entries.Length}, for example {string.Join(", ", _entries.Take(3).Select(e => $"'{e.Name}'"))})");

    /// <summary>Closes the file.</summary>
    public void Dispose() => _stream.Dispose();

    private NamedArray Read(SafetensorsEntry entry)
    {
        var offset = _dataStart + entry.Begin;
        if (entry.Type is not { } type)
            throw new DataFormatException(Name, offset, $"tensor '{entry.Name}' holds {entry.TypeName}, which is not read (F64, F32, F16, BF16, I8 to I64, U8 to U64 and BOOL are); convert it to F32");
        if (entry.End - entry.Begin > Array.MaxLength)
            throw new DataFormatException(Name, offset, $"tensor '{entry.Name}' has {entry.End - entry.Begin} bytes, at most {Array.MaxLength} are read");
        var data = new byte[entry.End - entry.Begin];
        _stream.Position = offset;
        InputFile.ReadExactly(_stream, data, Name, offset);
        return new NamedArray(entry.Name, type, entry.Shape, data);
    }
}
