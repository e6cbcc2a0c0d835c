namespace EscNative.Engine.Formats;

/// <summary>The values of a checkpoint: bytes by the name of a storage.</summary>
internal abstract class PyTorchRecords : IDisposable
{
    /// <summary>Where a storage's bytes begin in the file, for messages.</summary>
    public abstract long PositionOf(PickleStorage storage);

    /// <summary>Reads bytes of a storage.</summary>
    /// <param name="storage">The storage; what is asked for lies within it.</param>
    /// <param name="offset">Bytes before the first.</param>
    /// <param name="into">Filled.</param>
    /// <exception cref="DataFormatException">The record is damaged, or the file cannot be read.</exception>
    public abstract void Read(PickleStorage storage, long offset, Span<byte> into);

    public abstract void Dispose();

    /// <summary>Bytes of the record before those of the storage, which may be a part of it.</summary>
    protected static long Skipped(PickleStorage storage) => storage.Skipped * storage.Type.Size;
}

/// <summary>Those of a zip archive: an entry each, never compressed.</summary>
internal sealed class ZipRecords : PyTorchRecords
{
    private readonly ZipReader _archive;
    private readonly Dictionary<string, ZipEntry> _byKey = new(StringComparer.Ordinal);
    private readonly HashSet<string> _sound = new(StringComparer.Ordinal);

    /// <exception cref="DataFormatException">A record is missing, compressed, or of another size than the pickle says.</exception>
    public ZipRecords(ZipReader archive, string folder, IEnumerable<PickleStorage> storages)
    {
        _archive = archive;
        var entries = archive.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
        foreach (var storage in storages)
        {
            if (!entries.TryGetValue($"{folder}/data/{storage.Key}", out var entry))
                throw Bad(storage.At, $"lacks the record '{folder}/data/{storage.Key}' of a storage: the file is incomplete");
            if (entry.Deflated)
                throw Bad(entry.DataOffset, $"record '{entry.Name}' is compressed, and PyTorch's never are: unpack the archive and save the model again with torch.save");
            if (entry.Size != storage.Bytes)
                throw Bad(entry.DataOffset, $"record '{entry.Name}' has {entry.Size} bytes, {storage.Count} elements of {storage.Type.Name} want {storage.Bytes}");
            _byKey.Add(storage.Key, entry);
        }
    }

    public override long PositionOf(PickleStorage storage) => _byKey[storage.Key].DataOffset + Skipped(storage);

    public override void Read(PickleStorage storage, long offset, Span<byte> into)
    {
        var entry = _byKey[storage.Key];
        // The whole record is checked before a part of it is believed, once.
        if (!_sound.Contains(storage.Key) && into.Length < entry.Size)
            _archive.Check(entry);
        _archive.ReadStored(entry, Skipped(storage) + offset, into);
        if (into.Length == entry.Size)
            _archive.Check(entry, into);
        _sound.Add(storage.Key);
    }

    public override void Dispose() => _archive.Dispose();

    private DataFormatException Bad(long? at, string rule) => new(_archive.Name, at, rule);
}

/// <summary>Those of an old file: one behind another after the pickles.</summary>
internal sealed class StreamRecords(Stream stream, string name, IReadOnlyDictionary<string, long> positions) : PyTorchRecords
{
    public override long PositionOf(PickleStorage storage) => positions[storage.Key] + Skipped(storage);

    public override void Read(PickleStorage storage, long offset, Span<byte> into)
    {
        stream.Position = PositionOf(storage) + offset;
        InputFile.ReadExactly(stream, into, name, stream.Position);
    }

    public override void Dispose() => stream.Dispose();
}
