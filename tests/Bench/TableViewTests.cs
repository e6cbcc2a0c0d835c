using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Screens;

namespace EscNative.Tests.Bench;

public sealed class TableViewTests
{
    private static readonly TextTable Table = new(
        ["stage", " cold ms", " median ms", " share %", "what it says"],
        [["forward", "121", "113", "73.14", "most of it"], ["save", "6.93", "7.86", "5.08", ""]]);

    [Fact]
    public void A_table_that_fits_is_a_table()
    {
        var lines = Render(Table, 100);
        Assert.Contains(lines, line => line.Contains("cold ms   median ms", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("forward", StringComparison.Ordinal) && line.Contains("73.14", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(50)]
    public void One_that_does_not_folds_into_cards_that_lose_nothing(int width)
    {
        var lines = Render(Table, width);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        var text = string.Join(' ', lines.Select(line => line.Trim()));
        Assert.Contains("forward cold ms 121; median ms 113; share % 73.14; what it says most of it", text, StringComparison.Ordinal);
        Assert.Contains("save cold ms 6.93; median ms 7.86; share % 5.08", text, StringComparison.Ordinal);
    }

    [Fact]
    public void No_heading_is_parted_from_its_number()
    {
        var wide = new TextTable(["name", .. Enumerable.Range(0, 12).Select(i => $" column {i}")], [["row", .. Enumerable.Range(0, 12).Select(i => $"{i}.5")]]);
        for (var width = 40; width < 80; width++)
            Assert.All(Render(wide, width).Where(line => line.StartsWith("    ", StringComparison.Ordinal)), line => Assert.Matches("^    (column [0-9]+ [0-9.]+;? ?)+$", line));
    }

    [Fact]
    public void Facts_hang_behind_their_names()
    {
        var lines = Render(new TextTable(["", ""], [["data", string.Join(' ', Enumerable.Repeat("word", 20))], ["model", "small"]]), 40);
        Assert.StartsWith("data  word", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("      word", lines[1], StringComparison.Ordinal);
        Assert.Equal("model small", lines[^1]);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    public void No_line_of_a_report_is_wider_than_the_terminal(int width)
    {
        using var output = new StringWriter();
        ConsoleReport.Write(Terminal(output, width), SampleResult.Create(), details: true);
        Assert.All(output.ToString().Split(Environment.NewLine), line => Assert.InRange(ScreenText.Cells(line), 0, width));
    }

    [Fact]
    public void Details_are_for_those_who_ask()
    {
        string Text(bool details)
        {
            using var output = new StringWriter();
            ConsoleReport.Write(Terminal(output, 80), SampleResult.Create(), details);
            return output.ToString();
        }

        Assert.DoesNotContain("Spectrum and solver", Text(false), StringComparison.Ordinal);
        Assert.Contains("--details", Text(false), StringComparison.Ordinal);
        Assert.Contains("Spectrum and solver", Text(true), StringComparison.Ordinal);
        Assert.Contains("All metrics", Text(true), StringComparison.Ordinal);
    }

    private static string[] Render(TextTable table, int width)
    {
        using var output = new StringWriter();
        var terminal = Terminal(output, width);
        TableView.Write(terminal.Results, table);
        terminal.Flush();
        return output.ToString().TrimEnd().Split(Environment.NewLine);
    }

    private static Terminal Terminal(StringWriter output, int width) =>
        new(output, TextWriter.Null, outputIsTerminal: false, errorIsTerminal: false, name => name == "COLUMNS" ? width.ToString(System.Globalization.CultureInfo.InvariantCulture) : null);
}
