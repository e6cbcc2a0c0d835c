using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace EscNative.Engine.Formats;

/// <summary>An open checkpoint of PyTorch (<c>.pt</c>, <c>.pth</c>, <c>.th</c>): a zip archive, or the stream of before version 1.6. What it holds
/// is read as data: no name is looked up, nothing in it ever runs.</summary>
/// <remarks>
/// State dicts, alone or in a dictionary beside optimizer and epoch, and whole pickled modules, whose tensors have the names that their
/// <c>state_dict()</c> has. Everything is checked when the file is opened, values are read when they are asked for. Not thread-safe.
/// </remarks>
public sealed class PyTorchFile : INamedArraySource
{
    private const string PickleName = "data.pkl";
    private const string ByteOrderName = "byteorder";

    // In the order of the file: a magic number, a version, what the machine was, the object, the names of the storages.
    private static readonly BigInteger Magic = new((ReadOnlySpan<byte>)[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);
    private const long Protocol = 1001;

    private readonly PyTorchRecords _records;
    private readonly NamedArrayInfo[] _entries;
    private readonly Dictionary<string, (PickleTensor Tensor, NamedArrayInfo Info)> _byName = new(StringComparer.Ordinal);

    private PyTorchFile(string name, PyTorchRecords records, PyTorchLayout layout, string container)
    {
        Name = name;
        _records = records;
        foreach (var (tensorName, tensor) in layout.Tensors)
            _byName.Add(tensorName, (tensor, new NamedArrayInfo(tensorName, tensor.TypeName, tensor.Type, tensor.Shape, tensor.Bytes)));
        _entries = [.. layout.Tensors.Select(t => _byName[t.Name].Info)];
        layout.Metadata["pytorch.container"] = container;
        Metadata = layout.Metadata;
        Remarks = layout.Remarks;
    }

    /// <summary>The file's name, as it was opened.</summary>
    public string Name { get; }

    /// <summary>The tensors in the order of the state dict. Their types have PyTorch's names (<c>float32</c>).</summary>
    public IReadOnlyList<NamedArrayInfo> Entries => _entries;

    /// <summary>Numbers and texts beside the weights (<c>pytorch.epoch</c>), the class of a whole module (<c>pytorch.class</c>) and how the file
    /// is made (<c>pytorch.container</c>: zip or legacy).</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Which part of the file the tensors are, and what was left aside.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>Opens a file and checks everything but the values.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">It cannot be read, is no checkpoint of PyTorch, is damaged, holds no tensors, or asks for what is not
    /// read; the message says what and where.</exception>
    public static PyTorchFile Open(string path) => Open(InputFile.Open(path), path);

    /// <summary>Opens a seekable stream; it is closed with this object.</summary>
    /// <param name="stream">The content.</param>
    /// <param name="name">The name for messages.</param>
    /// <exception cref="DataFormatException">As for <see cref="Open(string)"/>.</exception>
    public static PyTorchFile Open(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        try
        {
            Span<byte> start = stackalloc byte[4];
            var count = InputFile.ReadUpTo(stream, start, name, 0);
            stream.Position = 0;
            return count == start.Length && BinaryPrimitives.ReadUInt32LittleEndian(start) == ZipReader.Signature
                ? OpenZip(ZipReader.Open(stream, name))
                : OpenLegacy(stream, name);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads every tensor.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">As for <see cref="Open(string)"/>, or a tensor is damaged or of a type that is not read.</exception>
    public static IReadOnlyDictionary<string, NamedArray> ReadAll(string path)
    {
        using var file = Open(path);
        return file._entries.ToDictionary(e => e.Name, e => file.Read(e.Name), StringComparer.Ordinal);
    }

    /// <summary>What is known about a tensor, or null where there is none of that name.</summary>
    /// <param name="name">The tensor's name.</param>
    public NamedArrayInfo? Find(string name) => _byName.TryGetValue(name, out var found) ? found.Info : null;

    /// <summary>Reads one tensor; a view (a slice, a transposed or expanded tensor) comes out row-major.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <exception cref="DataFormatException">There is no such tensor, its type is not read, it has 2 GiB or more, or its record is damaged.</exception>
    public NamedArray Read(string name)
    {
        if (!_byName.TryGetValue(name, out var found))
            throw new DataFormatException(Name, null, $"has no tensor '{name}' (it has {_entries.Length}, for example {string.Join(", ", _entries.Take(3).Select(e => $"'{e.Name}'"))})");
        var tensor = found.Tensor;
        if (tensor.WhyNot is { } reason)
            throw new DataFormatException(Name, null, $"tensor '{name}' {reason}");
        if (tensor.Count == 0)
            return new NamedArray(name, tensor.Type!.Value, tensor.Shape, ReadOnlyMemory<byte>.Empty);
        var offset = tensor.Offset * tensor.ElementSize;
        var span = tensor.Span * tensor.ElementSize;
        if (tensor.Bytes > Array.MaxLength || span > Array.MaxLength)
            throw new DataFormatException(Name, _records.PositionOf(tensor.Storage!) + offset, $"tensor '{name}' has {Math.Max(tensor.Bytes, span)} bytes, at most {Array.MaxLength} are read");
        var data = new byte[tensor.IsContiguous ? tensor.Bytes : span];
        _records.Read(tensor.Storage!, offset, data);
        return new NamedArray(name, tensor.Type!.Value, tensor.Shape, tensor.IsContiguous ? data : Gather(tensor, data));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _records.Dispose();

    /// <summary>Whether a file starts as an old checkpoint does; any protocol of pickles may have been asked for.</summary>
    internal static bool IsLegacy(ReadOnlySpan<byte> start)
    {
        ReadOnlySpan<byte> magic = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
        return start.Length > 2 && start[0] == 0x80 && start[..Math.Min(start.Length, 32)].IndexOf(magic) is >= 2 and <= 11;
    }

    /// <summary>Reads an archive whose entries say that it is a checkpoint; closed with the file.</summary>
    internal static PyTorchFile OpenZip(ZipReader archive)
    {
        try
        {
            var folder = FolderOf(archive) ?? throw new DataFormatException(archive.Name, null, $"is a zip archive without '{PickleName}': not a checkpoint of PyTorch");
            var entries = archive.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
            if (entries.ContainsKey($"{folder}/constants.pkl"))
                throw new DataFormatException(archive.Name, null, "is a TorchScript program, whose weights belong to compiled code: save the model's state_dict() instead (torch.save(torch.jit.load(FILE).state_dict(), OTHER))");
            if (entries.TryGetValue($"{folder}/{ByteOrderName}", out var order))
                CheckByteOrder(archive, order);
            var pickle = entries[$"{folder}/{PickleName}"];
            var inner = $"{archive.Name}!{pickle.Name}";
            if (pickle.Size > PickleMachine.MaximumLength)
                throw new DataFormatException(archive.Name, pickle.DataOffset, $"'{pickle.Name}' has {pickle.Size} bytes, at most {PickleMachine.MaximumLength} are accepted");
            var ids = new PyTorchIds(inner);
            using var content = archive.OpenWhole(pickle);
            var source = new ByteSource(content, inner);
            var root = new PickleMachine(source, inner, ids.Resolve).Read();
            if (source.Next() >= 0)
                throw new DataFormatException(inner, source.Offset - 1, "something follows the pickle");
            var layout = PyTorchLayout.Of(root, archive.Name);
            return new PyTorchFile(archive.Name, new ZipRecords(archive, folder, ids.Storages.Values), layout, "zip");
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    /// <summary>The folder of an archive that holds a checkpoint, or null. All that is PyTorch's lies in one.</summary>
    internal static string? FolderOf(ZipReader archive)
    {
        if (archive.Entries is not [var first, ..] || first.Name.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var slash))
            return null;
        var folder = first.Name[..slash];
        return archive.Entries.Any(e => e.Name == $"{folder}/{PickleName}") ? folder : null;
    }

    private static void CheckByteOrder(ZipReader archive, ZipEntry entry)
    {
        const string little = "little";
        var text = entry.Size <= 16 ? Encoding.Latin1.GetString(archive.Read(entry)) : "";
        if (text != little)
            throw new DataFormatException(archive.Name, entry.DataOffset, $"'{entry.Name}' is '{(text.Any(char.IsControl) ? "" : text)}', wants '{little}': save the model on a little-endian machine");
    }

    private static PyTorchFile OpenLegacy(Stream stream, string name)
    {
        var source = new ByteSource(stream, name);
        var ids = new PyTorchIds(name);
        if (Next() is not BigInteger magic || magic != Magic)
            throw new DataFormatException(name, 0, "not a checkpoint of PyTorch: the pickle at its start is not PyTorch's magic number");
        if (Next() is not Protocol)
            throw new DataFormatException(name, null, $"a checkpoint whose protocol is not {Protocol}");
        if (Next() is not PickleDict machine || !machine.TryGet("little_endian", out var little))
            throw new DataFormatException(name, null, "a checkpoint that does not say what machine wrote it");
        if (little is not true)
            throw new DataFormatException(name, null, "a checkpoint of a big-endian machine: save the model on a little-endian one");
        var root = Next();
        if (Next() is not PickleList keys)
            throw new DataFormatException(name, source.Offset, "the pickles are not followed by a list of storages");
        var positions = Locate(stream, name, source.Offset, keys, ids.Storages);
        return new PyTorchFile(name, new StreamRecords(stream, name, positions), PyTorchLayout.Of(root, name), "legacy");

        object? Next() => new PickleMachine(source, name, ids.Resolve).Read();
    }

    // Every record begins with the number of its elements.
    private static Dictionary<string, long> Locate(Stream stream, string name, long at, PickleList keys, IReadOnlyDictionary<string, PickleStorage> storages)
    {
        var positions = new Dictionary<string, long>(StringComparer.Ordinal);
        Span<byte> count = stackalloc byte[sizeof(long)];
        foreach (var key in keys.Items)
        {
            if (key is not string text || !storages.TryGetValue(text, out var storage))
                throw new DataFormatException(name, at, $"the list of storages names {(key is string ? "one" : PickleNode.Describe(key))} that no tensor has");
            stream.Position = at;
            InputFile.ReadExactly(stream, count, name, at);
            var found = BinaryPrimitives.ReadInt64LittleEndian(count);
            if (found != storage.Count)
                throw new DataFormatException(name, at, $"storage '{text}' has {found} elements here, the pickle says {storage.Count}");
            at += count.Length;
            if (storage.Bytes > stream.Length - at)
                throw new DataFormatException(name, at, $"storage '{text}' wants {storage.Bytes} bytes, the file has {stream.Length - at} left: it is truncated");
            if (!positions.TryAdd(text, at))
                throw new DataFormatException(name, at, $"storage '{text}' appears twice");
            at += storage.Bytes;
        }

        return positions.Count == storages.Count
            ? positions
            : throw new DataFormatException(name, at, $"lacks {storages.Count - positions.Count} storages, the first is '{storages.Keys.First(k => !positions.ContainsKey(k))}': the file is incomplete");
    }

    // The elements of a view, row-major, from the bytes between its first and its last.
    private static byte[] Gather(PickleTensor tensor, byte[] from)
    {
        var size = tensor.ElementSize;
        var to = new byte[tensor.Bytes];
        var shape = tensor.Shape;
        var index = new int[shape.Length];
        var inner = shape.Length == 0 ? 1 : shape[^1];
        var step = shape.Length == 0 ? 0 : tensor.Stride[^1] * size;
        for (long written = 0, start = 0; written < to.Length;)
        {
            for (var (i, at) = (0, start); i < inner; i++, at += step, written += size)
                from.AsSpan((int)at, size).CopyTo(to.AsSpan((int)written));
            for (var axis = shape.Length - 2; axis >= 0; axis--)
            {
                start += tensor.Stride[axis] * size;
                if (++index[axis] < shape[axis])
                    break;
                start -= tensor.Stride[axis] * size * shape[axis];
                index[axis] = 0;
            }
        }

        return to;
    }
}
