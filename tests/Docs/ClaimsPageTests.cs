using System.Globalization;
using System.Text;
using EscNative.Bench.Claims;
using EscNative.Bench.Reports;
using EscNative.Tests.Bench;
using Figures = EscNative.Bench.Reports.Numbers;

namespace EscNative.Tests.Docs;

/// <summary>docs/claims.md holds what the committed results say of the paper's times; with <c>ESC_RECORD=1</c> it is written anew.</summary>
public sealed class ClaimsPageTests
{
    private const string End = "<!-- end of the table -->";

    [Theory]
    [InlineData("claims-embedded.json")]
    [InlineData("methods-cifar10.json")]
    public void The_page_is_what_the_program_makes_of_a_committed_result(string file)
    {
        var path = Path.Combine(Repository.Root, "docs", "claims.md");
        var text = File.ReadAllText(path).ReplaceLineEndings("\n");
        var mark = $"<!-- the table is made from {file} -->";
        var begin = text.IndexOf(mark, StringComparison.Ordinal);
        var end = begin < 0 ? -1 : text.IndexOf(End, begin, StringComparison.Ordinal);
        Assert.True(end > begin, "the marks of the table are gone");
        var table = Table(TimeClaims.Of(Result(file)));
        if (Environment.GetEnvironmentVariable("ESC_RECORD") == "1")
            File.WriteAllText(path, $"{text[..(begin + mark.Length)]}\n\n{table}\n\n{text[end..]}");
        else
            Assert.True(table == text[(begin + mark.Length)..end].Trim(), $"docs/claims.md is not what {file} says: run this test with ESC_RECORD=1\n{table}");
    }

    [Fact]
    public void The_committed_claims_follow_from_the_samples_beside_them()
    {
        var result = Result("claims-embedded.json");
        Assert.Equal(Table(TimeClaims.Of(result)), Table(result.TimeClaims!));
        TimeClaimsTests.AssertTraced(result);
        Assert.All(result.Experiment!.Methods.SelectMany(m => m.Trials).SelectMany(t => t.Requests), r => Assert.Equal(r.Runs, r.Samples!.Count));
    }

    private static ResultDocument Result(string file) => ResultJson.Parse(File.ReadAllText(Path.Combine(Repository.Root, "bench", "results", file)));

    private static string Table(IReadOnlyList<TimeClaimResult> claims)
    {
        var table = new StringBuilder("| claim | where (read in) | the paper's hardware and setting | measured here | judged by | paper | here | verdict | reason |\n|---|---|---|---|---|---|---|---|---|\n");
        foreach (var c in claims)
        {
            var here = c.Interval is { } interval ? $"{Figures.Short(c.Measured)} ({Figures.Short(interval[0])} to {Figures.Short(interval[1])})" : Figures.Short(c.Measured);
            table.Append(CultureInfo.InvariantCulture, $"| {c.Claim} | {c.Where} ({c.Basis}) | {c.Setting} | {c.Here} | {c.Form} | {Figures.Short(c.Claimed)} | {here} | {c.Verdict} | {c.Reason} |\n");
        }

        return table.ToString().TrimEnd();
    }
}
