using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>The JSON of hyperfine, for its scripts: a command for each row, with every time. Seconds.</summary>
internal sealed class HyperfineExport : IExportFormat
{
    public string Name => "hyperfine";

    public string Description => "hyperfine, for its scripts";

    public bool TimesOnly => true;

    public string Write(ResultDocument result) => ExportJson.Text(new JsonObject
    {
        ["results"] = ExportJson.Array(ExportRows.Of(result).Where(row => row.Measure == Measure.Time), row =>
        {
            var statistics = new SampleStatistics(row.Samples.Count > 0 ? row.Samples : [row.Value]);
            var entry = new JsonObject
            {
                ["command"] = row.Name,
                ["mean"] = statistics.Mean,
                ["stddev"] = statistics.Count > 1 ? statistics.Deviation : null,
                ["median"] = statistics.Median,
                // Nobody measured them.
                ["user"] = null,
                ["system"] = null,
                ["min"] = statistics.Minimum,
                ["max"] = statistics.Maximum,
            };
            // A result of before the samples were kept has its median alone, which is no run.
            if (row.Samples.Count > 0)
                entry["times"] = ExportJson.Numbers(row.Samples);
            entry["exit_codes"] = ExportJson.Array(row.Samples, _ => JsonValue.Create(0));
            entry["parameters"] = new JsonObject { ["threads"] = FormattableString.Invariant($"{row.Threads}") };
            return entry;
        }),
    });
}
