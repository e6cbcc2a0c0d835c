using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>Bencher Metric Format: a benchmark has measures, a measure a value with its bounds.</summary>
internal sealed class BencherExport : IExportFormat
{
    private const double Nanoseconds = 1e9;

    public string Name => "bencher";

    public string Description => "Bencher Metric Format";

    public bool TimesOnly => false;

    public string Write(ResultDocument result)
    {
        var benchmarks = new JsonObject();
        foreach (var row in ExportRows.Of(result))
        {
            var measures = (JsonObject)(benchmarks[row.Name] ??= new JsonObject());
            // Bencher's own measure of time is in nanoseconds.
            var scale = row.Measure == Measure.Time ? Nanoseconds : 1;
            var metric = new JsonObject { ["value"] = row.Value * scale };
            if (row.Low is { } low)
                metric["lower_value"] = low * scale;
            if (row.High is { } high)
                metric["upper_value"] = high * scale;
            measures[Slug(row)] = metric;
        }

        return ExportJson.Text(benchmarks);
    }

    private static string Slug(ExportRow row) => row.Measure switch
    {
        Measure.Time => "latency",
        Measure.Memory => "memory",
        Measure.Ratio => "ratio",
        _ => row.Unit switch
        {
            "%" => "percent",
            "s" => "seconds",
            _ => "value",
        },
    };
}
