using System.Globalization;
using System.Text;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>OpenMetrics 1.0 text, for Prometheus: times as a summary, the rest as gauges.</summary>
internal sealed class OpenMetricsExport : IExportFormat
{
    private const string Prefix = "escnative_";

    public string Name => "openmetrics";

    public string Description => "OpenMetrics text, for Prometheus";

    public bool TimesOnly => false;

    public string Write(ResultDocument result)
    {
        var rows = ExportRows.Of(result);
        var text = new StringBuilder();
        Family(text, "result", "info", "", "The run that the figures come from.");
        var origin = Labels(
            ("verb", result.Verb), ("version", result.Product.Version), ("commit", result.Product.Commit ?? ""), ("device", result.Setup.Device), ("cpu", result.Machine.Cpu),
            ("runtime", result.Machine.Runtime), ("created", result.Created));
        text.Append($"{Prefix}result_info{origin} 1\n");
        var times = rows.Where(row => row.Measure == Measure.Time).ToArray();
        if (times.Length > 0)
            Family(text, "time_seconds", "summary", "seconds", "Wall time of a run: its quantiles, and of rows whose runs are known their sum and count.");
        foreach (var row in times)
            Summary(text, row);
        Gauges(text, rows, Measure.Memory, "memory_bytes", "bytes", "Memory.");
        Gauges(text, rows, Measure.Ratio, "time_ratio", "ratio", "A time as a multiple of this engine's in the same run.");
        Gauges(text, rows, Measure.Metric, "metric", "", "A metric of a model, in the unit of its label.");
        return text.Append("# EOF\n").ToString();
    }

    private static void Summary(StringBuilder text, ExportRow row)
    {
        (string, string)[] labels = [("name", row.Name), ("threads", row.Threads.ToString(CultureInfo.InvariantCulture))];
        (string Q, double? Value)[] quantiles = row.Samples.Count > 1 && new SampleStatistics(row.Samples) is var s
            ? [("0.05", s.Quantile(0.05)), ("0.5", s.Median), ("0.95", s.Quantile(0.95))]
            : [("0.5", row.Value)];
        foreach (var (q, value) in quantiles)
            text.Append($"{Prefix}time_seconds{Labels([.. labels, ("quantile", q)])} {Number(value!.Value)}\n");
        if (row.Samples.Count == 0)
            return;
        text.Append(CultureInfo.InvariantCulture, $"{Prefix}time_seconds_count{Labels(labels)} {row.Samples.Count}\n");
        text.Append($"{Prefix}time_seconds_sum{Labels(labels)} {Number(row.Samples.Sum())}\n");
    }

    private static void Gauges(StringBuilder text, IReadOnlyList<ExportRow> rows, Measure measure, string name, string unit, string help)
    {
        var own = rows.Where(row => row.Measure == measure).ToArray();
        if (own.Length == 0)
            return;
        Family(text, name, "gauge", unit, $"{help} The label bound tells the value from the ends of its interval.");
        foreach (var row in own)
        {
            foreach (var (bound, value) in new[] { ("value", row.Value), ("low", row.Low), ("high", row.High) })
            {
                if (value is { } v)
                    text.Append($"{Prefix}{name}{Labels([("name", row.Name), .. measure == Measure.Metric ? [("unit", row.Unit)] : ((string, string)[])[], ("bound", bound)])} {Number(v)}\n");
            }
        }
    }

    private static void Family(StringBuilder text, string name, string type, string unit, string help)
    {
        text.Append($"# TYPE {Prefix}{name} {type}\n");
        if (unit.Length > 0)
            text.Append($"# UNIT {Prefix}{name} {unit}\n");
        text.Append($"# HELP {Prefix}{name} {help}\n");
    }

    private static string Labels(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var text = new StringBuilder("{");
        foreach (var (name, value) in labels)
        {
            var escaped = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            text.Append($"{(text.Length > 1 ? "," : "")}{name}=\"{escaped}\"");
        }

        return text.Append('}').ToString();
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
