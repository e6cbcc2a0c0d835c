using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using EscNative.Bench.Reports;
using EscNative.Tests.Bench;
using EscNative.Tests.Bench.Exports;

namespace EscNative.Tests.Docs;

/// <summary>docs/result.schema.json: made from the types of a result, and what every committed result keeps to.</summary>
public sealed class ResultSchemaTests
{
    private static readonly string File = Path.Combine(Repository.Root, "docs", "result.schema.json");

    // Of results that are as old as the schema's name some lack them.
    private static readonly string[] AddedLater = ["intervals"];

    public static TheoryData<string> Committed => [.. Directory.GetFiles(Path.Combine(Repository.Root, "bench", "results"), "*.json", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Repository.Root, file))];

    [Fact]
    public void The_schema_is_that_of_the_types()
    {
        var text = Generate();
        // ESC_RECORD=1 writes it anew.
        if (Environment.GetEnvironmentVariable("ESC_RECORD") == "1")
            System.IO.File.WriteAllText(File, text);
        Assert.Equal(text, System.IO.File.ReadAllText(File));
    }

    [Theory]
    [MemberData(nameof(Committed))]
    public void A_committed_result_keeps_to_it(string file) => Assert.Empty(Faults(System.IO.File.ReadAllText(Path.Combine(Repository.Root, file))));

    [Fact]
    public void What_is_written_today_keeps_to_it_and_what_is_not_a_result_does_not()
    {
        var json = ResultJson.Serialize(SampleResult.Create());
        Assert.Empty(Faults(json));
        Assert.Empty(Faults(ResultJson.Serialize(ExportSample.Create())));
        Assert.Equal(["/schema: wants the constant \"escnative.result/1\""], Faults(json.Replace("escnative.result/1", "escnative.result/2", StringComparison.Ordinal)));
        Assert.Equal(["/setup: wants threads"], Faults(json.Replace("\"threads\": 2,\n    \"precision\"", "\"precision\"", StringComparison.Ordinal)));
        Assert.Equal(["/latency/coldMs: is String, wants number or null"], Faults(json.Replace("\n    \"coldMs\": 400,", "\n    \"coldMs\": \"slow\",", StringComparison.Ordinal)));
        Assert.Equal(["/latency/stages/1/name: is Null, wants string"], Faults(json.Replace("\"name\": \"save\"", "\"name\": null", StringComparison.Ordinal)));
        Assert.Empty(Faults(json.Replace("\"coldMs\": 400,", "\"coldMs\": null, \"added\": 1,", StringComparison.Ordinal)));
    }

    private static string Generate()
    {
        var options = new JsonSerializerOptions(ResultJson.Default.Options) { RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true };
        var schema = options.GetJsonSchemaAsNode(typeof(ResultDocument), new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, node) =>
            {
                // A number that is not defined is null.
                if (context.TypeInfo.Type == typeof(double) || context.TypeInfo.Type == typeof(double?))
                    return new JsonObject { ["type"] = new JsonArray("number", "null") };
                // A field that has no value is absent.
                if (node is JsonObject schema && schema["required"] is JsonArray required)
                {
                    var present = context.TypeInfo.Properties.Where(p => !p.IsGetNullable && Nullable.GetUnderlyingType(p.PropertyType) is null).Select(p => p.Name);
                    schema["required"] = new JsonArray([.. required.Select(name => name!.GetValue<string>()).Intersect(present).Except(AddedLater).Select(name => JsonValue.Create(name))]);
                }

                return node;
            },
        }).AsObject();
        schema["properties"]!["schema"] = new JsonObject { ["const"] = ResultDocument.CurrentSchema };
        var required = schema["required"]!.AsArray();
        required.Insert(0, "schema");
        var document = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = $"A result of escnative: {ResultDocument.CurrentSchema}",
        };
        foreach (var (name, value) in schema)
            document[name] = value?.DeepClone();
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            document.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static string[] Faults(string json)
    {
        using var schema = JsonDocument.Parse(System.IO.File.ReadAllText(File));
        using var result = JsonDocument.Parse(json);
        return [.. Faults(result.RootElement, schema.RootElement, schema.RootElement, "")];
    }

    // The keywords that the schema uses; another one throws.
    private static IEnumerable<string> Faults(JsonElement value, JsonElement schema, JsonElement root, string path)
    {
        foreach (var keyword in schema.EnumerateObject())
        {
            switch (keyword.Name)
            {
                case "$schema" or "title":
                    break;
                case "$ref":
                    foreach (var fault in Faults(value, Pointed(root, keyword.Value.GetString()!), root, path))
                        yield return fault;
                    break;
                case "const":
                    if (!JsonElement.DeepEquals(value, keyword.Value))
                        yield return $"{path}: wants the constant {keyword.Value.GetRawText()}";
                    break;
                case "type":
                    string[] types = keyword.Value.ValueKind == JsonValueKind.Array ? [.. keyword.Value.EnumerateArray().Select(t => t.GetString()!)] : [keyword.Value.GetString()!];
                    if (!types.Any(type => Is(value, type)))
                        yield return $"{path}: is {value.ValueKind}, wants {string.Join(" or ", types)}";
                    break;
                case "required" when value.ValueKind == JsonValueKind.Object:
                    foreach (var name in keyword.Value.EnumerateArray().Select(name => name.GetString()!).Where(name => !value.TryGetProperty(name, out _)))
                        yield return $"{path}: wants {name}";
                    break;
                case "properties" when value.ValueKind == JsonValueKind.Object:
                    foreach (var fault in keyword.Value.EnumerateObject().Where(p => value.TryGetProperty(p.Name, out _)).SelectMany(p => Faults(value.GetProperty(p.Name), p.Value, root, $"{path}/{p.Name}")))
                        yield return fault;
                    break;
                case "additionalProperties" when value.ValueKind == JsonValueKind.Object:
                    Assert.False(schema.TryGetProperty("properties", out _), "fields may be added");
                    foreach (var fault in value.EnumerateObject().SelectMany(p => Faults(p.Value, keyword.Value, root, $"{path}/{p.Name}")))
                        yield return fault;
                    break;
                case "items" when value.ValueKind == JsonValueKind.Array:
                    foreach (var fault in value.EnumerateArray().SelectMany((item, i) => Faults(item, keyword.Value, root, $"{path}/{i}")))
                        yield return fault;
                    break;
                case "required" or "properties" or "additionalProperties" or "items" or "default":
                    break;
                default:
                    throw new NotSupportedException($"keyword {keyword.Name}");
            }
        }
    }

    private static JsonElement Pointed(JsonElement root, string pointer)
    {
        foreach (var part in pointer.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
            root = root.ValueKind == JsonValueKind.Array ? root[int.Parse(part, null)] : root.GetProperty(part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));
        return root;
    }

    private static bool Is(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        _ => throw new NotSupportedException($"type {type}"),
    };
}
