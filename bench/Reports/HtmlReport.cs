using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using EscNative.Bench.Cli;
using EscNative.Engine.Formats;

namespace EscNative.Bench.Reports;

/// <summary>A result as one HTML file: no script, no network, readable in print and in the dark.</summary>
internal static class HtmlReport
{
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --line: #d0d7de; --paper: #ffffff; --bar: #2f6fb4; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --line: #3d444d; --paper: #0d1117; --bar: #6ca8e8; } }
        body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; font-size: .9rem; }
        th, td { padding: .25rem .7rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
        th { color: var(--dim); font-weight: 600; }
        .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; overflow-wrap: normal; }
        p { color: var(--dim); font-size: .88rem; margin: .35rem 0; max-width: 60rem; }
        svg { display: block; margin: 1rem 0; max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg rect { fill: var(--bar); }
        @media print { :root { --ink: #000; --dim: #333; --line: #999; --paper: #fff; --bar: #555; } body { margin: 0; font-size: 11px; } h2 { break-after: avoid; } table, svg { break-inside: avoid; } }
        """;

    /// <summary>The HTML text.</summary>
    public static string Render(ResultDocument result)
    {
        var html = new StringBuilder();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append("<title>").Append(Encode($"escnative {result.Verb} {result.Created}")).Append("</title>\n<style>\n").Append(Style).Append("\n</style>\n</head>\n<body>\n");
        var heading = "h1";
        foreach (var section in Sections.Of(result))
        {
            html.Append('<').Append(heading).Append('>').Append(Encode(section.Title)).Append("</").Append(heading).Append(">\n");
            heading = "h2";
            if (section.Chart is { } chart)
                Append(html, chart);
            if (section.Table is { } table)
                Append(html, table);
            foreach (var remark in section.Remarks)
                html.Append("<p>").Append(Encode(remark)).Append("</p>\n");
        }

        return html.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>Writes the file whole or not at all.</summary>
    /// <exception cref="UsageException">It exists and may not be replaced.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Write(ResultDocument result, string path, bool force) =>
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(Render(result))), force);

    private static void Append(StringBuilder html, TextTable table)
    {
        html.Append("<div class=\"wide\"><table>\n");
        if (table.Columns.Any(column => column.Length > 0))
            AppendRow(html, table, "th", [.. table.Columns.Select(column => column.Trim())]);
        foreach (var row in table.Rows)
            AppendRow(html, table, "td", row);
        html.Append("</table></div>\n");
    }

    private static void AppendRow(StringBuilder html, TextTable table, string tag, IReadOnlyList<string> cells)
    {
        html.Append("<tr>");
        for (var i = 0; i < cells.Count; i++)
            html.Append('<').Append(tag).Append(table.IsNumeric(i) ? " class=\"n\">" : ">").Append(Encode(cells[i])).Append("</").Append(tag).Append('>');
        html.Append("</tr>\n");
    }

    private static void Append(StringBuilder html, BarChart chart)
    {
        const int width = 720, row = 22, left = 90, right = 110;
        var largest = chart.Bars.Max(bar => bar.Value);
        html.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width} {row * (chart.Bars.Count + 1)}\" width=\"{width}\" role=\"img\" aria-label=\"{Encode(chart.Title)}\">\n");
        html.Append(CultureInfo.InvariantCulture, $"<text x=\"0\" y=\"15\" font-weight=\"600\">{Encode(chart.Unit.Length > 0 ? $"{chart.Title} ({chart.Unit})" : chart.Title)}</text>\n");
        for (var i = 0; i < chart.Bars.Count; i++)
        {
            var (label, value) = chart.Bars[i];
            var y = row * (i + 1);
            var length = largest > 0 && double.IsFinite(value) ? (width - left - right) * value / largest : 0;
            html.Append(CultureInfo.InvariantCulture, $"<text x=\"{left - 8}\" y=\"{y + 15}\" text-anchor=\"end\">{Encode(label)}</text>");
            html.Append(CultureInfo.InvariantCulture, $"<rect x=\"{left}\" y=\"{y + 3}\" width=\"{Math.Max(length, 0.5):0.0}\" height=\"{row - 7}\"/>");
            html.Append(CultureInfo.InvariantCulture, $"<text x=\"{left + length + 6:0.0}\" y=\"{y + 15}\">{Encode(Numbers.Short(value))}</text>\n");
        }

        html.Append("</svg>\n");
    }

    private static string Encode(string text) => HtmlEncoder.Default.Encode(PlainText.Of(text));
}
