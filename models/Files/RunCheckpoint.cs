using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>
/// The state from which a run can go on, in one safetensors file: arrays, typed values, what the run is, and a checksum over all of it. No
/// other run takes it up, and a damaged one is never taken.
/// </summary>
/// <param name="path">The file; saving replaces it, whole or not at all.</param>
/// <param name="kind">What the keys of its metadata begin with behind <c>escnative.</c>: <c>training</c>.</param>
/// <param name="what">What the file should be, for messages: "a training run".</param>
/// <param name="run">What must be equal for a checkpoint to be of this run.</param>
public sealed class RunCheckpoint(string path, string kind, string what, RunIdentity run)
{
    /// <summary>The metadata that holds the checksum: SHA-256 over every other entry and every array, lower-case hexadecimal.</summary>
    internal const string ChecksumKey = "escnative.checksum";

    private readonly string _prefix = $"escnative.{kind}.";

    /// <summary>Writes the state of the run.</summary>
    /// <param name="arrays">Its arrays; their names must differ.</param>
    /// <param name="values">Its values.</param>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public void Save(IEnumerable<NamedArray> arrays, RunValues values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in values.Texts)
            metadata[_prefix + key] = value;
        run.Write(metadata, _prefix);
        Write(path, [.. arrays], metadata);
    }

    /// <summary>Opens the file and checks all of it: the format, the checksum, and that it is of this run.</summary>
    /// <exception cref="DataFormatException">It cannot be read, is no such checkpoint, damaged, or of another run.</exception>
    public SavedRun Open()
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            // Of a file that is something else that is said, of a damaged one not that it is of another run.
            if (RunIdentity.StandsIn(file, _prefix))
                CheckSum(file);
            run.Check(file, _prefix, what);
            return new SavedRun(file, _prefix);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes arrays and metadata with their checksum.</summary>
    internal static void Write(string path, IReadOnlyList<NamedArray> arrays, SortedDictionary<string, string> metadata)
    {
        metadata[ChecksumKey] = Checksum(metadata, arrays.OrderBy(a => a.Name, StringComparer.Ordinal));
        SafetensorsWriter.Write(path, arrays, metadata, force: true);
    }

    /// <summary>The checksum of some content.</summary>
    /// <param name="metadata">All of it; an older checksum does not count.</param>
    /// <param name="arrays">All of them, by name.</param>
    internal static string Checksum(IReadOnlyDictionary<string, string> metadata, IEnumerable<NamedArray> arrays)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, value) in metadata.Where(m => m.Key != ChecksumKey).OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            Append(hash, key);
            Append(hash, value);
        }

        foreach (var array in arrays)
        {
            Append(hash, array.Name);
            Append(hash, $"{array.Type} {string.Join(' ', array.Shape.ToArray())}");
            hash.AppendData(array.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void CheckSum(SafetensorsFile file)
    {
        if (!file.Metadata.TryGetValue(ChecksumKey, out var told))
            throw new DataFormatException(file.Name, null, $"lacks the metadata {ChecksumKey}, wants the SHA-256 of the checkpoint: it is damaged, or of an older version; begin anew with another checkpoint file");
        var own = Checksum(file.Metadata, file.Entries.Select(e => e.Name).Order(StringComparer.Ordinal).Select(file.Read));
        if (own != told)
            throw new DataFormatException(file.Name, null, $"is damaged: its SHA-256 is {own}, metadata {ChecksumKey} is '{told}'; begin anew with another checkpoint file");
    }

    // Each text with its length before it: no two contents give the same bytes.
    private static void Append(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
