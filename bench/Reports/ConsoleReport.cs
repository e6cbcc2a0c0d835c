using EscNative.Bench.Cli;
using Spectre.Console;

namespace EscNative.Bench.Reports;

/// <summary>A result on the console.</summary>
internal static class ConsoleReport
{
    /// <summary>Prints a result.</summary>
    public static void Write(Terminal terminal, ResultDocument result)
    {
        foreach (var section in Sections.Of(result))
        {
            terminal.Results.WriteLine();
            terminal.Results.Write(new Text(PlainText.Of(section.Title), new Style(decoration: Decoration.Bold)));
            terminal.Results.WriteLine();
            if (section.Table is { } table)
                terminal.Results.Write(TableOf(table));
            foreach (var remark in section.Remarks)
                terminal.Results.Write(new Padder(new Text(PlainText.Of(remark))).Padding(2, 0, 0, 0));
        }

        terminal.Flush();
    }

    private static Table TableOf(TextTable source)
    {
        // A table without headings is a list of facts.
        var headed = source.Columns.Any(column => column.Length > 0);
        var table = new Table { ShowHeaders = headed, Border = headed ? TableBorder.Simple : TableBorder.None, UseSafeBorder = true };
        for (var i = 0; i < source.Columns.Count; i++)
        {
            var column = new TableColumn(new Text(source.Columns[i].Trim()));
            if (source.IsNumeric(i))
                column.RightAligned().NoWrap();
            table.AddColumn(column);
        }

        foreach (var row in source.Rows)
            table.AddRow(row.Select(cell => new Text(PlainText.Of(cell))));
        return table;
    }
}
