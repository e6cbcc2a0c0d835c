using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EscNative.Engine.Formats;

/// <summary>Writes safetensors files. Equal tensors and metadata give equal bytes, in whatever order they come.</summary>
/// <remarks>As in the reference implementation, wide element types come first and names are sorted within one type, so that every
/// tensor is aligned to its element size; the header is padded with spaces to a multiple of 8. Without metadata the files are
/// the reference implementation's byte for byte (it leaves the order of metadata to chance; here it is sorted).</remarks>
public static class SafetensorsWriter
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a file, whole or not at all.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="arrays">The tensors; their names must differ.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>, or null.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    /// <exception cref="ArgumentException">Two tensors of one name, the name <c>__metadata__</c>, or a header above the format's
    /// limit of 100,000,000 bytes.</exception>
    public static void Write(
        string path, IEnumerable<NamedArray> arrays, IReadOnlyDictionary<string, string>? metadata = null, bool force = false) =>
        AtomicFile.Write(path, stream => Write(stream, arrays, metadata), force);

    /// <summary>Writes to a stream.</summary>
    /// <param name="stream">Where to write.</param>
    /// <param name="arrays">The tensors; their names must differ.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>, or null.</param>
    /// <exception cref="ArgumentException">Two tensors of one name, the name <c>__metadata__</c>, or a header above the format's
    /// limit of 100,000,000 bytes.</exception>
    public static void Write(Stream stream, IEnumerable<NamedArray> arrays, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var sorted = arrays.OrderByDescending(a => a.Type).ThenBy(a => a.Name, StringComparer.Ordinal).ToArray();
        var header = Header(sorted, metadata);
        var padding = -header.Length & 7;
        if (header.Length + padding > SafetensorsHeader.MaximumLength)
            throw new ArgumentException($"safetensors: the header has {header.Length} bytes, the format allows {SafetensorsHeader.MaximumLength}: fewer or shorter names, less metadata", nameof(arrays));
        Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixLength];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, header.Length + padding);
        stream.Write(prefix);
        stream.Write(header);
        stream.Write("        "u8[..padding]);
        foreach (var array in sorted)
            stream.Write(array.Data.Span);
    }

    private static ReadOnlySpan<byte> Header(NamedArray[] arrays, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Compact);
        json.WriteStartObject();
        if (metadata is { Count: > 0 })
        {
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                json.WriteString(key, value);
            json.WriteEndObject();
        }

        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        long offset = 0;
        foreach (var array in arrays)
        {
            if (!names.Add(array.Name))
                throw new ArgumentException($"safetensors: the name '{array.Name}' is taken", nameof(arrays));
            json.WriteStartObject(array.Name);
            json.WriteString("dtype", SafetensorsTypes.Name(array.Type));
            json.WriteStartArray("shape");
            foreach (var size in array.Shape)
                json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            offset += array.Data.Length;
            json.WriteNumberValue(offset);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan;
    }
}
