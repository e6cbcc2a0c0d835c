using System.Globalization;
using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>The custom JSON of github-action-benchmark, tool <c>customSmallerIsBetter</c>: what is not better when it is smaller is left out.</summary>
internal sealed class GitHubActionExport : IExportFormat
{
    public string Name => "github-action";

    public string Description => "github-action-benchmark, tool customSmallerIsBetter";

    public bool TimesOnly => true;

    public string Write(ResultDocument result) => ExportJson.Text(ExportJson.Array(ExportRows.Of(result).Where(row => row.Better == Better.Smaller), row =>
    {
        // One unit for a kind of rows, whatever their size: the action compares numbers under a name.
        var (unit, scale) = row.Measure == Measure.Time ? ("ms", 1e3) : (row.Unit.Length > 0 ? row.Unit : "value", 1);
        var entry = new JsonObject { ["name"] = Label(row), ["unit"] = unit, ["value"] = row.Value * scale };
        if (row is { Low: { } low, High: { } high })
            entry["range"] = $"{Text(low * scale)} to {Text(high * scale)}";
        entry["extra"] = $"{(row.Samples.Count > 1 ? FormattableString.Invariant($"median of {row.Samples.Count} runs, ") : "")}{row.Threads} threads, {result.Setup.Device}, {result.Machine.Cpu}";
        return entry;
    }));

    // The action's names are unique, and a benchmark of micro has a time and a memory.
    private static string Label(ExportRow row) => row.Measure == Measure.Memory ? $"{row.Name} (memory)" : row.Name;

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
