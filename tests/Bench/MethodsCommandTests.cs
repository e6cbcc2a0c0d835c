using System.Text.Json;
using EscNative.Bench.Reports;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Bench;

public sealed class MethodsCommandTests
{
    [Fact]
    public void Every_method_is_listed_with_its_data_its_source_and_its_parameters()
    {
        var outcome = CommandLine.Run("methods");
        Assert.True(outcome.Code == 0, outcome.ToString());
        var words = Words(outcome.Output);
        foreach (var method in MethodRegistry.Names.Select(MethodRegistry.Create))
        {
            Assert.Contains(method.Name, words);
            Assert.Subset(words, Words(method.Description));
            Assert.Subset(words, method.Parameters.Select(p => p.Name).ToHashSet());
        }

        Assert.DoesNotContain("whole", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void One_method_is_told_with_the_meaning_and_the_limits_of_its_parameters()
    {
        var outcome = CommandLine.Run(name => name == "COLUMNS" ? "150" : null, "methods", "scrub");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Contains("Method scrub", outcome.Output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^ *gamma +0\.99 +0 +the weight of the cross-entropy on the remaining data *$", outcome.Output);
        Assert.Matches(@"(?m)^ *max-epochs +2 +0 +100000 +epochs that climb on the forgetting data \(whole\) *$", outcome.Output);
        Assert.Contains("those to keep (D_f, D_r)", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("With --checkpoint it can be stopped and resumed.", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("salun", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("the images to forget only (D_f)", CommandLine.Run("methods", "esc").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_result_has_the_same_as_values()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, CommandLine.Run("methods", "--json", folder["all.json"]).Code);
        var text = File.ReadAllText(folder["all.json"]);
        // A field that one verb alone makes survives reading.
        Assert.Equal(text, ResultJson.Serialize(ResultJson.Parse(text)));
        using var document = JsonDocument.Parse(text);
        var methods = document.RootElement.GetProperty("methods").EnumerateArray().ToDictionary(m => m.GetProperty("method").GetString()!);
        Assert.Equal(MethodRegistry.Names, methods.Keys);
        foreach (var method in MethodRegistry.Names.Select(MethodRegistry.Create))
        {
            var json = methods[method.Name];
            Assert.Equal(method.DataUse == DataUse.ForgetOnly ? "D_f" : "D_f, D_r", json.GetProperty("data").GetString());
            Assert.Equal(method.Description, json.GetProperty("description").GetString());
            Assert.Equal(method.KeepsCheckpoint, json.GetProperty("keepsCheckpoint").GetBoolean());
            Assert.Equal(method.Parameters, json.GetProperty("parameters").EnumerateArray().Select(Parameter));
        }

        Assert.Equal(0, CommandLine.Run("methods", "esc-t", "--json", folder["one.json"]).Code);
        using var one = JsonDocument.Parse(File.ReadAllText(folder["one.json"]));
        Assert.Equal("esc-t", Assert.Single(one.RootElement.GetProperty("methods").EnumerateArray()).GetProperty("method").GetString());
    }

    [Fact]
    public void An_unknown_method_is_a_usage_error_with_the_nearest_name()
    {
        using var folder = new TemporaryFolder();
        var outcome = CommandLine.Run("methods", "scurb", "--json", folder["new.json"]);
        Assert.Equal(2, outcome.Code);
        Assert.Contains("methods: got 'scurb'", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'scrub'?", outcome.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["new.json"]));
    }

    private static MethodParameter Parameter(JsonElement json) => new(
        json.GetProperty("name").GetString()!, json.GetProperty("default").GetDouble(), json.GetProperty("description").GetString()!)
    {
        Minimum = json.GetProperty("minimum").GetDouble(),
        Maximum = json.TryGetProperty("maximum", out var maximum) ? maximum.GetDouble() : double.MaxValue,
        IsWhole = json.GetProperty("whole").GetBoolean(),
    };

    private static HashSet<string> Words(string text) => [.. text.Split([' ', '\n', '\r', ',', ';', ':', '.', '(', ')', '|'], StringSplitOptions.RemoveEmptyEntries)];
}
