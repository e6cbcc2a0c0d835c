using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using Spectre.Console;

namespace EscNative.Bench.Screens;

/// <summary>A result on the console: the first screen, then sections, the most important first.</summary>
internal static class ConsoleReport
{
    private const int RemarkIndent = 2;

    /// <summary>Prints a result.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="result">What.</param>
    /// <param name="details">Whether every section and row is wanted.</param>
    public static void Write(Terminal terminal, ResultDocument result, bool details = false)
    {
        var console = terminal.Results;
        var width = console.Profile.Width;
        if (result.Headline is { } headline)
        {
            foreach (var line in FirstScreen.Lines(headline, width, console.Profile.Capabilities.Unicode))
                Line(console, line.Text, line.IsHeading);
        }

        var left = 0;
        foreach (var section in Sections.Of(result))
        {
            if (section.IsDetail && !details)
            {
                left++;
                continue;
            }

            console.WriteLine();
            foreach (var line in ScreenText.Wrap(PlainText.Of(section.Title), width))
                Line(console, line, bold: true);
            if (section.Table is { } table)
                TableView.Write(console, table);
            foreach (var line in section.Remarks.SelectMany(remark => Remark(remark, width)))
                Line(console, line, bold: false);
        }

        if (left > 0)
        {
            console.WriteLine();
            Line(console, "All metrics, spectrum and work of each stage: --details. Every run: --json FILE.", bold: false);
        }

        terminal.Flush();
    }

    private static IEnumerable<string> Remark(string remark, int width) =>
        ScreenText.Wrap(new string(' ', RemarkIndent) + PlainText.Of(remark), Math.Min(width, 150), RemarkIndent);

    private static void Line(IAnsiConsole console, string text, bool bold)
    {
        console.Write(new Text(text, bold ? new Style(decoration: Decoration.Bold) : null));
        console.WriteLine();
    }
}
