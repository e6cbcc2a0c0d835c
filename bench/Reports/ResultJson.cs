using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using EscNative.Bench.Cli;
using EscNative.Engine.Formats;

namespace EscNative.Bench.Reports;

/// <summary>Results as JSON files.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true,
    NewLine = "\n",
    Converters = [typeof(FiniteNumberConverter)])]
[JsonSerializable(typeof(ResultDocument), TypeInfoPropertyName = "Result")]
internal sealed partial class ResultJson : JsonSerializerContext
{
    /// <summary>The JSON text.</summary>
    public static string Serialize(ResultDocument result) => JsonSerializer.Serialize(result, Default.Result) + "\n";

    /// <summary>A field of <see cref="ResultDocument.Own"/>.</summary>
    public static Dictionary<string, JsonElement> Own(string name, JsonNode value)
    {
        using var document = JsonDocument.Parse(value.ToJsonString());
        return new() { [name] = document.RootElement.Clone() };
    }

    /// <summary>A result from its JSON text.</summary>
    /// <exception cref="EscException">It is no result of a schema that this version knows.</exception>
    public static ResultDocument Parse(string json)
    {
        ResultDocument? result;
        try
        {
            result = JsonSerializer.Deserialize(json, Default.Result);
        }
        catch (JsonException cause)
        {
            throw new EscException(ErrorCode.BadInput, $"result: {cause.Message}", cause);
        }

        return result?.Schema == ResultDocument.CurrentSchema
            ? result
            : throw new EscException(ErrorCode.BadInput, $"result: schema is '{PlainText.Of(result?.Schema ?? "")}', wants {ResultDocument.CurrentSchema}");
    }

    /// <summary>Writes the file whole or not at all.</summary>
    /// <exception cref="UsageException">It exists and may not be replaced.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Write(ResultDocument result, string path, bool force) =>
        AtomicFile.Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(Serialize(result))), force);
}
