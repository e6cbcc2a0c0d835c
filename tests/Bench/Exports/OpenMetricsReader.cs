using System.Text.RegularExpressions;

namespace EscNative.Tests.Bench.Exports;

/// <summary>OpenMetrics 1.0 text by its grammar: families that do not interleave, units that end names, the samples that each type has, the end.</summary>
internal static partial class OpenMetricsReader
{
    /// <summary>Every sample: its name, labels and value.</summary>
    public static IReadOnlyList<(string Name, Dictionary<string, string> Labels, double Value)> Read(string text)
    {
        Assert.EndsWith("\n# EOF\n", text, StringComparison.Ordinal);
        var lines = text.Split('\n')[..^2];
        var (family, type, unit, described) = ("", "", "", new HashSet<string>());
        var families = new HashSet<string>();
        var seen = new HashSet<string>();
        var samples = new List<(string, Dictionary<string, string>, double)>();
        foreach (var line in lines)
        {
            if (Descriptor().Match(line) is { Success: true } descriptor)
            {
                var (kind, name, value) = (descriptor.Groups[1].Value, descriptor.Groups[2].Value, descriptor.Groups[3].Value);
                if (name != family)
                {
                    Assert.True(families.Add(name), $"{name}: a family stands in one place");
                    (family, type, unit) = (name, "unknown", "");
                    described.Clear();
                }

                Assert.True(described.Add(kind), $"{kind} of {name} stands there twice");
                if (kind == "TYPE")
                    Assert.Contains(type = value, (string[])["gauge", "summary", "info"]);
                if (kind == "UNIT")
                    Assert.EndsWith($"_{unit = value}", name, StringComparison.Ordinal);
                continue;
            }

            var match = Sample().Match(line);
            Assert.True(match.Success, line);
            var labels = Label().Matches(match.Groups[2].Value).ToDictionary(label => label.Groups[1].Value, label => Unescape(label.Groups[2].Value));
            Assert.Equal(match.Groups[2].Value, string.Join(',', Label().Matches(match.Groups[2].Value).Select(label => label.Value)));
            Assert.True(seen.Add(line[..line.LastIndexOf(' ')]), $"twice: {line}");
            var suffix = match.Groups[1].Value[family.Length..];
            Assert.StartsWith(family, match.Groups[1].Value, StringComparison.Ordinal);
            Assert.Contains(suffix, type switch
            {
                "summary" => labels.ContainsKey("quantile") ? [""] : (string[])["_count", "_sum"],
                "info" => ["_info"],
                _ => [""],
            });
            var number = Formats.Number(match.Groups[3].Value);
            Assert.True(double.IsFinite(number) && (suffix != "_info" || number == 1) && (suffix != "_count" || (number >= 0 && number == Math.Floor(number))));
            if (labels.TryGetValue("quantile", out var q))
                Assert.InRange(Formats.Number(q), 0, 1);
            Assert.False(type == "info" && unit.Length > 0, "an info has no unit");
            samples.Add((match.Groups[1].Value, labels, number));
        }

        return samples;
    }

    private static string Unescape(string text) => text.Replace("\\\\", "\u0001", StringComparison.Ordinal).Replace("\\\"", "\"", StringComparison.Ordinal)
        .Replace("\\n", "\n", StringComparison.Ordinal).Replace("\u0001", "\\", StringComparison.Ordinal);

    [GeneratedRegex(@"^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$")]
    private static partial Regex Descriptor();

    [GeneratedRegex(@"^([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} ([0-9eE.+-]+)$")]
    private static partial Regex Sample();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)=""((?:[^""\\\n]|\\[\\""n])*)""")]
    private static partial Regex Label();
}
