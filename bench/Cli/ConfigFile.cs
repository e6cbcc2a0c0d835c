using System.Text.Json;
using EscNative.Engine.Formats;

namespace EscNative.Bench.Cli;

/// <summary>Options from a JSON file: one object whose keys are option names without the dashes.</summary>
internal static class ConfigFile
{
    private const string Wanted = "one JSON object, such as {\"forget-class\": [4], \"p\": 1.5}";

    /// <summary>The text of every option in the file, as it would stand on the command line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="known">Every option of every verb: one file may serve several verbs.</param>
    /// <exception cref="UsageException">The file is missing or no JSON object, or a key is unknown or twice there.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path, IReadOnlyCollection<string> known)
    {
        if (Directory.Exists(path))
            throw new UsageException($"--config {path}: is a folder, wants a JSON file");
        JsonDocument document;
        try
        {
            var content = InputFile.WithoutByteOrderMark(File.ReadAllBytes(path), path);
            if (content.Span.Trim(" \t\r\n"u8).IsEmpty)
                throw new UsageException($"--config {path}: is empty, wants {Wanted}");
            document = JsonDocument.Parse(content, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip });
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or ArgumentException or NotSupportedException)
        {
            throw new UsageException($"--config {path}: {cause.Message}");
        }
        catch (DataFormatException cause)
        {
            throw new UsageException($"--config {path}: {cause.Rule}");
        }

        try
        {
            return Values(path, document, known);
        }
        catch (InvalidOperationException)
        {
            throw new UsageException($"--config {path}: a text in it is not valid Unicode");
        }
        finally
        {
            document.Dispose();
        }
    }

    private static Dictionary<string, string> Values(string path, JsonDocument document, IReadOnlyCollection<string> known)
    {
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new UsageException($"--config {path}: wants {Wanted}");
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in document.RootElement.EnumerateObject())
        {
            // A pointer to the schema is for editors.
            if (entry.Name == "$schema")
                continue;
            if (!known.Contains(entry.Name))
                throw new UsageException($"--config {path}: unknown key '{entry.Name}'{Suggestion.For(entry.Name, known)}");
            if (!values.TryAdd(entry.Name, Text(path, entry)))
                throw new UsageException($"--config {path}: key '{entry.Name}' stands there twice");
        }

        return values;
    }

    private static string Text(string path, JsonProperty entry) => entry.Value.ValueKind switch
    {
        JsonValueKind.String => entry.Value.GetString()!,
        JsonValueKind.Number => entry.Value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array => string.Join(',', entry.Value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number
            ? item.GetRawText()
            : throw new UsageException($"--config {path}: '{entry.Name}' wants an array of numbers"))),
        _ => throw new UsageException($"--config {path}: '{entry.Name}' wants a text, a number, true, false or an array of numbers"),
    };
}
