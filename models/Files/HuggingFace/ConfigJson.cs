using System.Globalization;
using System.Text;
using System.Text.Json;
using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>An object of a JSON file whose values are checked as they are read: every error names the file and the key.</summary>
internal sealed class ConfigJson
{
    /// <summary>The most bytes of such a file.</summary>
    public const int MostBytes = 64 << 20;

    private const int ShownText = 60;

    private static readonly UTF8Encoding Strict = new(false, true);

    private readonly JsonElement _object;
    private readonly string _prefix;

    private ConfigJson(string path, JsonElement element, string prefix) => (Path, _object, _prefix) = (path, element, prefix);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its name, for remarks.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataFormatException">It cannot be read, or is no object of JSON.</exception>
    public static ConfigJson Read(string path)
    {
        var content = InputFile.WithoutByteOrderMark(InputFile.ReadAll(path, MostBytes), path);
        try
        {
            _ = Strict.GetCharCount(content.Span);
            using var document = JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 32 });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigJson(path, document.RootElement.Clone(), "")
                : throw new DataFormatException(path, 0, "is JSON, but no object { .. } of keys and values");
        }
        catch (DecoderFallbackException cause)
        {
            throw new DataFormatException(path, null, "is no UTF-8 text: fetch the file again", cause);
        }
        catch (JsonException cause)
        {
            throw new DataFormatException(path, null, string.Create(CultureInfo.InvariantCulture, $"is no JSON from line {cause.LineNumber + 1}, byte {cause.BytePositionInLine} on: fetch the file again"), cause);
        }
    }

    /// <summary>Whether a key has a value other than null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>Whether a key's value is a whole object.</summary>
    public bool HasObject(string key) => Find(key) is { ValueKind: JsonValueKind.Object };

    /// <summary>A whole number, or null where there is none.</summary>
    public int? Whole(string key, int least, int most) => Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == Math.Floor(number) && number >= least && number <= most ? (int)number
        : throw Bad(key, FormattableString.Invariant($"a whole number from {least} to {most}"));

    /// <summary>A number, or null.</summary>
    public double? Number(string key, double least, double most) => Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most ? number
        : throw Bad(key, FormattableString.Invariant($"a number from {least} to {most}"));

    /// <summary>True or false, or null.</summary>
    public bool? Flag(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Bad(key, "true or false"),
    };

    /// <summary>A text, or null.</summary>
    public string? Text(string key) => Find(key) is not { } value ? null : value.ValueKind == JsonValueKind.String ? Unicode(value.GetString) : throw Bad(key, "a text");

    /// <summary>Several numbers, or null.</summary>
    public float[]? Numbers(string key, int most)
    {
        if (Find(key) is not { } value)
            return null;
        var wanted = FormattableString.Invariant($"1 to {most} finite numbers in brackets");
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() is < 1 || value.GetArrayLength() > most)
            throw Bad(key, wanted);
        return [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetSingle(out var number) && float.IsFinite(number) ? number : throw Bad(key, wanted))];
    }

    /// <summary>Several whole numbers, or null.</summary>
    public int[]? Wholes(string key, int least, int most)
    {
        if (Find(key) is not { } value)
            return null;
        var wanted = FormattableString.Invariant($"whole numbers from {least} to {most} in brackets");
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() is < 1 or > 1024)
            throw Bad(key, wanted);
        return [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var number) && number >= least && number <= most ? number : throw Bad(key, wanted))];
    }

    /// <summary>An object inside.</summary>
    public ConfigJson Inside(string key) => Find(key) is { ValueKind: JsonValueKind.Object } value ? new ConfigJson(Path, value, _prefix + key + ".") : throw Bad(key, "an object { .. }");

    /// <summary>Every key with its text.</summary>
    public IEnumerable<(string Key, string Text)> Texts() => _object.EnumerateObject().Select(p => (Unicode(() => p.Name), p.Value.ValueKind == JsonValueKind.String ? Unicode(p.Value.GetString)! : throw Bad(p.Name, "a text")));

    /// <summary>What is wrong with a key.</summary>
    public DataFormatException Bad(string key, string wanted)
    {
        var got = Find(key) is { } value ? value.GetRawText() : "missing";
        return Wrong(key, $"is {(got.Length > ShownText ? got[..ShownText] + ".." : got)}, wants {wanted}");
    }

    /// <summary>An error about a key, in words.</summary>
    public DataFormatException Wrong(string key, string words) => new(Path, null, $"key '{_prefix}{key}' {words}");

    private JsonElement? Find(string key) => Unicode<JsonElement?>(() => _object.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null);

    // An escape may name half of a character, which is seen where the text is asked for.
    private T Unicode<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException cause)
        {
            throw new DataFormatException(Path, null, $"holds a text with half of a character{(_prefix.Length > 0 ? $" in '{_prefix[..^1]}'" : "")}", cause);
        }
    }
}
