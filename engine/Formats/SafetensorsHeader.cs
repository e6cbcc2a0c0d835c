using System.Text.Json;
using System.Text.Unicode;

namespace EscNative.Engine.Formats;

/// <summary>Parses and checks the header of a safetensors file; nothing in it is believed before it is checked.</summary>
internal ref struct SafetensorsHeader
{
    /// <summary>The format's own limit.</summary>
    public const int MaximumLength = 100_000_000;

    /// <summary>The length field in front of the header.</summary>
    public const int PrefixLength = 8;

    private const int MaximumRank = 16;
    private const int MaximumNameBytes = 1024;

    private readonly string _file;
    private readonly long _dataLength;
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private bool _hasMetadata;
    private Utf8JsonReader _json;

    private SafetensorsHeader(ReadOnlySpan<byte> text, long dataLength, string file)
    {
        _file = file;
        _dataLength = dataLength;
        _json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = 4 });
    }

    /// <summary>Reads the header.</summary>
    /// <param name="text">The JSON text.</param>
    /// <param name="dataLength">Bytes that follow the header in the file.</param>
    /// <param name="file">The name for messages.</param>
    /// <returns>The entries in the order of their data, and the metadata.</returns>
    /// <exception cref="DataFormatException">Any rule of the format is broken.</exception>
    public static (SafetensorsEntry[] Entries, IReadOnlyDictionary<string, string> Metadata) Parse(
        ReadOnlySpan<byte> text, long dataLength, string file)
    {
        if (text.IsEmpty || text[0] != '{')
            throw new DataFormatException(file, PrefixLength, "the safetensors header must start with '{'");
        if (!Utf8.IsValid(text))
            throw new DataFormatException(file, PrefixLength, "the safetensors header is not valid UTF-8");
        var header = new SafetensorsHeader(text, dataLength, file);
        try
        {
            header.ReadRoot();
        }
        catch (JsonException cause)
        {
            throw header.Bad($"the header is not valid JSON: {cause.Message}", cause);
        }

        return (header.InFileOrder(), header._metadata);
    }

    private void ReadRoot()
    {
        _json.Read();
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var name = Text();
            if (name == "__metadata__")
                ReadMetadata();
            else
                ReadTensor(name);
        }

        // Reads the padding, and finds anything that follows the root object.
        _json.Read();
    }

    private void ReadMetadata()
    {
        if (_hasMetadata)
            throw Bad("'__metadata__' appears twice");
        _hasMetadata = true;
        Next(JsonTokenType.StartObject, "'__metadata__' must be an object");
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var key = Text();
            Next(JsonTokenType.String, "'__metadata__' must hold strings only");
            if (!_metadata.TryAdd(key, Text()))
                throw Bad($"metadata '{key}' appears twice");
        }
    }

    private void ReadTensor(string name)
    {
        if (_json.ValueSpan.Length > MaximumNameBytes)
            throw Bad($"a tensor's name has {_json.ValueSpan.Length} bytes, at most {MaximumNameBytes} are accepted");
        if (_entries.ContainsKey(name))
            throw Bad($"tensor '{name}' appears twice");
        var start = _json.TokenStartIndex;
        Next(JsonTokenType.StartObject, $"tensor '{name}' must be an object");
        string? type = null;
        List<long>? shape = null, offsets = null;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var key = Text();
            switch (key)
            {
                case "dtype" when type is null:
                    Next(JsonTokenType.String, $"tensor '{name}': dtype must be a string");
                    type = Text();
                    break;
                case "shape" when shape is null:
                    shape = Numbers(name, key, MaximumRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = Numbers(name, key, 2);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw Bad($"tensor '{name}': '{key}' appears twice");
                default:
                    throw Bad($"tensor '{name}': unknown field '{key}'");
            }
        }

        if (type is null || shape is null || offsets is not { Count: 2 })
            throw Bad($"tensor '{name}' must have dtype, shape and two data_offsets", at: start);
        _entries.Add(name, Check(name, type, shape, offsets[0], offsets[1], start));
    }

    private readonly SafetensorsEntry Check(string name, string type, List<long> shape, long begin, long end, long at)
    {
        var bits = SafetensorsTypes.Bits(type);
        if (bits == 0)
            throw Bad($"tensor '{name}': unknown dtype '{type}'", at: at);
        if (begin > end || end > _dataLength)
            throw Bad($"tensor '{name}': data_offsets [{begin}, {end}] do not lie in the {_dataLength} bytes of data", at: at);
        UInt128 total = (UInt128)bits;
        foreach (var size in shape)
        {
            if (size > int.MaxValue)
                throw Bad($"tensor '{name}': dimension {size} is above {int.MaxValue}", at: at);
            total *= (UInt128)size;
            // Beyond 2^67 bits no file can hold it; stopping here keeps the product inside 128 bits.
            if (total >> 67 != 0)
                throw Bad($"tensor '{name}': the size of [{string.Join(", ", shape)}] overflows", at: at);
        }

        if (total != (UInt128)(end - begin) * 8)
            throw Bad($"tensor '{name}': {type} [{string.Join(", ", shape)}] wants {(total + 7) / 8} bytes, data_offsets give {end - begin}", at: at);
        return new SafetensorsEntry(name, type, [.. shape.Select(size => (int)size)], begin, end);
    }

    // The data must be covered from its first byte to its last, each byte once.
    private readonly SafetensorsEntry[] InFileOrder()
    {
        var entries = _entries.Values.ToArray();
        Array.Sort(entries, (a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        long end = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin != end)
                throw Bad($"tensor '{entry.Name}' starts at data byte {entry.Begin}, wants {end}: {(entry.Begin > end ? "a hole before it" : "it overlaps the one before")}", at: 0);
            end = entry.End;
        }

        if (end != _dataLength)
            throw Bad($"the tensors end at data byte {end}, the file has {_dataLength}", at: 0);
        return entries;
    }

    private List<long> Numbers(string name, string key, int most)
    {
        Next(JsonTokenType.StartArray, $"tensor '{name}': '{key}' must be an array");
        var numbers = new List<long>();
        while (_json.Read() && _json.TokenType == JsonTokenType.Number)
        {
            if (numbers.Count == most)
                throw Bad($"tensor '{name}': '{key}' has more than {most} numbers");
            if (!_json.TryGetInt64(out var number) || number < 0)
                throw Bad($"tensor '{name}': '{key}' must hold integers from 0 to 2^63 - 1");
            numbers.Add(number);
        }

        return _json.TokenType == JsonTokenType.EndArray ? numbers : throw Bad($"tensor '{name}': '{key}' must hold numbers only");
    }

    private string Text()
    {
        try
        {
            return _json.GetString()!;
        }
        catch (InvalidOperationException cause)
        {
            throw Bad("a string holds half of a surrogate pair", cause);
        }
    }

    private void Next(JsonTokenType wanted, string rule)
    {
        if (!_json.Read() || _json.TokenType != wanted)
            throw Bad(rule);
    }

    private readonly DataFormatException Bad(string rule, Exception? cause = null, long? at = null) =>
        new(_file, PrefixLength + (at ?? _json.TokenStartIndex), rule, cause);
}
