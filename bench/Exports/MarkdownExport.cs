using System.Text;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>Tables for a pull request or a wiki, in the Markdown of GitHub.</summary>
internal sealed class MarkdownExport : IExportFormat
{
    private const string NoValue = "-";

    public string Name => "markdown";

    public string Description => "tables for a pull request";

    public bool TimesOnly => false;

    public string Write(ResultDocument result)
    {
        var rows = ExportRows.Of(result);
        var text = new StringBuilder($"## escnative {Cell(result.Verb)}\n\n");
        text.Append($"{Cell(result.Created)}, {Cell(result.Setup.Device)} ({Cell(result.Machine.Cpu)}, {result.Machine.Cores} cores), {result.Setup.Threads} threads, ");
        text.Append($"escnative {Cell(result.Product.Version)}{(result.Product.Commit is { } commit ? $" ({Cell(commit)})" : "")}\n");
        Table(text, "Time", ["Name", "ms", "Low", "High", "Runs"], rows.Where(row => row.Measure == Measure.Time), row =>
            [Numbers.Short(1e3 * row.Value), Numbers.Short(1e3 * row.Low), Numbers.Short(1e3 * row.High), row.Samples.Count > 0 ? Numbers.Count(row.Samples.Count) : NoValue]);
        Table(text, "Memory", ["Name", "Bytes"], rows.Where(row => row.Measure == Measure.Memory), row => [Numbers.Count((long)row.Value)]);
        Table(text, "Ratio", ["Name", "Ratio", "Low", "High"], rows.Where(row => row.Measure == Measure.Ratio), row =>
            [Numbers.Fixed(row.Value), Numbers.Fixed(row.Low), Numbers.Fixed(row.High)]);
        Table(text, "Metric", ["Name", "Value", "Low", "High", "Unit"], rows.Where(row => row.Measure == Measure.Metric), row =>
            [Numbers.Fixed(row.Value), Numbers.Fixed(row.Low), Numbers.Fixed(row.High), row.Unit.Length > 0 ? Cell(row.Unit) : NoValue]);
        return text.ToString();
    }

    private static void Table(StringBuilder text, string title, string[] columns, IEnumerable<ExportRow> rows, Func<ExportRow, string[]> values)
    {
        var all = rows.ToArray();
        if (all.Length == 0)
            return;
        text.Append($"\n### {title}\n\n| {string.Join(" | ", columns)} |\n|---|{string.Concat(Enumerable.Repeat("---:|", columns.Length - 1))}\n");
        foreach (var row in all)
            text.Append($"| {Cell(row.Name)} | {string.Join(" | ", values(row))} |\n");
    }

    // What would end a cell, or be read as markup.
    private static string Cell(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in text)
            escaped.Append(c is '|' or '\\' or '`' or '*' or '_' or '<' or '[' or ']' ? $"\\{c}" : c is '\n' or '\r' ? " " : c.ToString());
        return escaped.ToString();
    }
}
