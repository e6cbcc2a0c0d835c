using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using Spectre.Console;

namespace EscNative.Bench.Screens;

/// <summary>A table where it fits, else a card for each of its rows.</summary>
internal static class TableView
{
    private const int CardIndent = 4;
    private const int NarrowestText = 16;
    // The lines and spaces around a cell.
    private const int Frame = 3;

    /// <summary>Prints a table.</summary>
    /// <param name="console">Where.</param>
    /// <param name="table">What.</param>
    public static void Write(IAnsiConsole console, TextTable table)
    {
        var rows = table.Rows.Select(row => (IReadOnlyList<string>)[.. row.Select(PlainText.Of)]).ToArray();
        var headed = table.Columns.Any(column => column.Length > 0);
        if (!headed)
            Facts(console, rows);
        else if (Least(table, rows) <= console.Profile.Width)
            console.Write(Whole(table, rows));
        else
            Cards(console, table, rows);
    }

    // Numbers are never broken; texts may be, but not into crumbs.
    private static int Least(TextTable table, IReadOnlyList<string>[] rows) => Enumerable.Range(0, table.Columns.Count).Sum(column =>
    {
        var cells = rows.Select(row => ScreenText.Cells(row[column])).Append(ScreenText.Cells(table.Columns[column].Trim())).Max();
        return Frame + (table.IsNumeric(column) ? cells : Math.Min(cells, NarrowestText));
    });

    private static Table Whole(TextTable source, IReadOnlyList<string>[] rows)
    {
        var table = new Table { Border = TableBorder.Simple, UseSafeBorder = true };
        for (var i = 0; i < source.Columns.Count; i++)
        {
            var column = new TableColumn(new Text(source.Columns[i].Trim()));
            if (source.IsNumeric(i))
                column.RightAligned().NoWrap();
            table.AddColumn(column);
        }

        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        return table;
    }

    // A table without headings is a list of facts.
    private static void Facts(IAnsiConsole console, IReadOnlyList<string>[] rows)
    {
        if (rows.Length == 0)
            return;
        var keys = rows.Max(row => ScreenText.Cells(row[0])) + 1;
        foreach (var row in rows)
        {
            var lines = ScreenText.Wrap(row[1], Math.Max(1, console.Profile.Width - keys)).DefaultIfEmpty("").ToArray();
            for (var i = 0; i < lines.Length; i++)
                Line(console, ScreenText.Left(i == 0 ? row[0] : "", keys) + lines[i], false);
        }
    }

    // What stands before the first number names the row; the rest follows with its headings.
    private static void Cards(IAnsiConsole console, TextTable table, IReadOnlyList<string>[] rows)
    {
        var named = Enumerable.Range(0, table.Columns.Count).TakeWhile(column => !table.IsNumeric(column)).Count();
        foreach (var row in rows)
        {
            var name = named > 0 ? string.Join(", ", row.Take(named).Where(cell => cell.Length > 0)) : $"{table.Columns[0].Trim()} {row[0]}";
            foreach (var line in ScreenText.Wrap("  " + name, console.Profile.Width, CardIndent))
                Line(console, line, true);
            var parts = Enumerable.Range(0, table.Columns.Count).Skip(Math.Max(named, 1)).Where(column => row[column] is not ("" or "-"))
                .Select(column => $"{table.Columns[column].Trim()} {row[column]}".TrimStart() is var part && table.IsNumeric(column) ? part.Replace(' ', Joint) : part);
            var text = new string(' ', CardIndent) + string.Join("; ", parts);
            foreach (var line in ScreenText.Wrap(text, console.Profile.Width, CardIndent))
                Line(console, line.Replace(Joint, ' '), false);
        }
    }

    // A heading and its value stay on one line.
    private const char Joint = '\u00A0';

    private static void Line(IAnsiConsole console, string text, bool bold)
    {
        console.Write(new Text(text, bold ? new Style(decoration: Decoration.Bold) : null));
        console.WriteLine();
    }
}
