using EscNative.Bench.Reports;
using EscNative.Bench.Screens;

namespace EscNative.Tests.Bench;

public sealed class FirstScreenTests
{
    private const int Lines = 24;
    private static readonly int[] Widths = [60, 80, 100, 120, 200];

    /// <summary>Headlines of real reports (class, methods, person), and what is made of one.</summary>
    public static TheoryData<string> Names => ["class", "methods", "person", "many methods", "without Retrain"];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_is_24_lines_of_80_columns(string name)
    {
        var lines = FirstScreen.Lines(Of(name), 80, unicode: true);
        Assert.InRange(lines.Count, 8, Lines);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_line_is_wider_than_the_terminal(string name)
    {
        for (var width = 40; width <= 200; width++)
            Assert.All(FirstScreen.Lines(Of(name), width, width % 2 == 0), line => Assert.InRange(ScreenText.Cells(line.Text), 1, width));
    }

    [Fact]
    public void The_fullest_one_fits_too()
    {
        var one = Of("class");
        var full = one with
        {
            Relations = [.. one.Relations, one.Relations[0] with { To = "PyTorch 2.6" }],
            Warnings = ["the runs differ by 54 % (p05 to p95): they became slower from first to last, as when the clock changes; raise --runs"],
        };
        Assert.InRange(FirstScreen.Lines(full, 80, unicode: true).Count, 20, Lines);
    }

    [Fact]
    public void It_answers_what_a_newcomer_asks()
    {
        var text = Text("class", 80);
        var headline = Of("class");
        Assert.Contains($"{EscNative.Bench.Reports.Numbers.Short(headline.Latency!.MedianMs)} ms a request", text, StringComparison.Ordinal);
        Assert.Contains("p05-p95", text, StringComparison.Ordinal);
        Assert.Contains("the first", text, StringComparison.Ordinal);
        Assert.All(headline.Relations, relation => Assert.Contains(relation.To, text, StringComparison.Ordinal));
        Assert.Contains("KR, knowledge retention:", text, StringComparison.Ordinal);
        Assert.Contains("before  after", text, StringComparison.Ordinal);
        Assert.Contains("WHERE THE TIME GOES", text, StringComparison.Ordinal);
        Assert.Contains("VERDICT forgets: ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_Retrain_reference_there_is_no_column_for_it()
    {
        var without = Of("without Retrain");
        Assert.All(without.Effects.Concat(without.Attacks), effect => Assert.True(double.IsNaN(effect.Retrain)));
        Assert.DoesNotContain("after       95 % Retrain", Text("without Retrain", 80), StringComparison.Ordinal);
        Assert.DoesNotContain(", Retrain ", Text("without Retrain", 60), StringComparison.Ordinal);
        Assert.Contains("after       95 % Retrain", Text("class", 80), StringComparison.Ordinal);
    }

    [Fact]
    public void Methods_stand_in_the_order_of_the_result()
    {
        var text = Text("many methods", 80);
        var places = Of("many methods").Methods.Take(12).Select(m => text.IndexOf($"\n  {m.Method} ", StringComparison.Ordinal)).ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        Assert.Contains("and 2 more", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hostile_name_stays_text()
    {
        var hostile = Of("class") with { Asked = "forget class 1 (\u001b[2J\u202Ex) with esc" };
        Assert.All(FirstScreen.Lines(hostile, 80, unicode: true), line => Assert.DoesNotContain(line.Text, c => c is '\u001b' or '\u202E'));
    }

    [Fact]
    public void The_page_shows_what_is_printed()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "first-screen.md")).ReplaceLineEndings("\n");
        Assert.Contains($"```text\n{Text("methods", 80)}\n```", page, StringComparison.Ordinal);
        Assert.Contains($"```text\n{Text("person", 80)}\n```", page, StringComparison.Ordinal);
        Assert.All(Widths, width => Assert.Contains($"```text\n{Text("class", width)}\n```", page, StringComparison.Ordinal));
    }

    private static string Text(string name, int width) => string.Join('\n', FirstScreen.Lines(Of(name), width, unicode: true).Select(line => line.Text));

    private static HeadlineResult Of(string name) => name switch
    {
        "many methods" => Methods(Real("class")),
        "without Retrain" => Real("class") with
        {
            Asked = "forget images 1-150 of subject s4 with esc",
            Effects = [.. Real("class").Effects.Select(WithoutRetrain)],
            Attacks = [.. Real("class").Attacks.Select(WithoutRetrain)],
        },
        _ => Real(name),
    };

    private static EffectResult WithoutRetrain(EffectResult effect) =>
        effect with { Retrain = double.NaN, Verdict = new VerdictResult(VerdictResult.None, "", "needs a Retrain reference") };

    // Out of the alphabet's order, as a user may ask for them, and more than a screen holds.
    private static HeadlineResult Methods(HeadlineResult one) => one with
    {
        Latency = null,
        Relations = [],
        Effects = [],
        Attacks = [],
        Stages = [],
        Warnings = [],
        Methods =
        [
            .. ((string[])["original", "scrub", "esc", "retrain", "mean-direction", "finetune", "ng", "rl", "bs", "lau", "salun", "badt", "unsir", "ssd"]).Select((method, i) =>
                new HeadlineMethod(method, i == 0 ? double.NaN : 1234.5 * i, i, 9.17, i == 0 ? "" : "completed", one.Effects, one.Attacks, i == 0 ? "" : one.Verdict)),
        ],
    };

    private static HeadlineResult Real(string name) => ResultJson.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "Bench", "Headlines", $"{name}.json"))).Headline!;
}
