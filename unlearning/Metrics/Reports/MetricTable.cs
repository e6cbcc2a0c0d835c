using System.Globalization;
using System.Text;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Prints a report as a table of plain text.</summary>
public static class MetricTable
{
    /// <summary>One line for each number: metric, name, value, its 95 % interval, the Original's, Retrain's if there is one, ideal, remarks.</summary>
    public static string Format(MetricReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var retrain = report.Rows.Any(r => r.Retrain is not null);
        var lines = new List<string[]> { Line(retrain, "metric", "", "erased", "95 % interval", "Original", "Retrain", "ideal", "") };
        var metric = "";
        foreach (var row in report.Rows)
        {
            // The setting is that of the whole group: said once, in its first row.
            var remarks = row.Metric == metric ? [row.Notes] : (string[])[row.Notes, row.Setting];
            metric = row.Metric;
            lines.Add(Line(
                retrain, row.Metric, row.Name, Number(row, row.Value), Range(row), Number(row, row.Original), Number(row, row.Retrain), row.Ideal,
                string.Join("; ", remarks.Where(r => r.Length > 0))));
        }

        var widths = Enumerable.Range(0, lines[0].Length).Select(c => lines.Max(l => l[c].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            var padded = line.Select((cell, c) => IsNumber(c, retrain) ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]));
            text.Append(string.Join("  ", padded).TrimEnd()).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A value in the digits of its unit; "n/a" if there is none.</summary>
    public static string Number(MetricResult row, double? value)
    {
        ArgumentNullException.ThrowIfNull(row);
        return value?.ToString(row.Unit is "%" or "s" ? "0.00" : "0.0000", CultureInfo.InvariantCulture) ?? "n/a";
    }

    /// <summary>The interval of a value, "[96.90, 97.80]"; empty if there is none.</summary>
    public static string Range(MetricResult row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.Interval is { } interval ? $"[{Number(row, interval.Low)}, {Number(row, interval.High)}]" : "";
    }

    private static string[] Line(
        bool withRetrain, string metric, string name, string value, string range, string original, string retrain, string ideal, string notes) =>
        withRetrain ? [metric, name, value, range, original, retrain, ideal, notes] : [metric, name, value, range, original, ideal, notes];

    private static bool IsNumber(int column, bool withRetrain) => column >= 2 && column <= (withRetrain ? 5 : 4);
}
