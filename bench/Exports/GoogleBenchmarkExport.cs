using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>The JSON of Google Benchmark, for its compare.py: a repetition for each run, then the aggregates. Milliseconds.</summary>
internal sealed class GoogleBenchmarkExport : IExportFormat
{
    private const double Milliseconds = 1e3;

    public string Name => "google-benchmark";

    public string Description => "Google Benchmark (compare.py)";

    public bool TimesOnly => true;

    public string Write(ResultDocument result)
    {
        var benchmarks = new JsonArray();
        foreach (var (row, family) in ExportRows.Of(result).Where(row => row.Measure == Measure.Time).Select((row, index) => (row, index)))
            Add(benchmarks, row, family);
        return ExportJson.Text(new JsonObject
        {
            ["context"] = new JsonObject
            {
                ["date"] = result.Created,
                ["executable"] = "escnative",
                ["num_cpus"] = result.Machine.Cores,
                ["library_version"] = result.Product.Version,
                ["library_build_type"] = "release",
                ["json_schema_version"] = 1,
                ["cpu"] = result.Machine.Cpu,
                ["device"] = result.Setup.Device,
                ["commit"] = result.Product.Commit ?? "",
                ["cpu_time"] = "not measured: repeats real_time",
            },
            ["benchmarks"] = benchmarks,
        });
    }

    private static void Add(JsonArray benchmarks, ExportRow row, int family)
    {
        double[] times = [.. (row.Samples.Count > 0 ? row.Samples : [row.Value]).Select(seconds => seconds * Milliseconds)];
        for (var i = 0; i < times.Length; i++)
        {
            var run = Entry(row.Name, "iteration", times[i]);
            run["repetition_index"] = i;
            run["iterations"] = 1;
            benchmarks.Add(run);
        }

        if (times.Length < 2)
            return;
        var statistics = new SampleStatistics(times);
        foreach (var (name, value) in new[] { ("mean", statistics.Mean), ("median", statistics.Median), ("stddev", statistics.Deviation) })
        {
            var aggregate = Entry($"{row.Name}_{name}", "aggregate", value);
            aggregate["aggregate_name"] = name;
            aggregate["aggregate_unit"] = "time";
            aggregate["iterations"] = times.Length;
            benchmarks.Add(aggregate);
        }

        JsonObject Entry(string name, string type, double time) => new()
        {
            ["name"] = name,
            ["family_index"] = family,
            ["per_family_instance_index"] = 0,
            ["run_name"] = row.Name,
            ["run_type"] = type,
            ["repetitions"] = times.Length,
            ["threads"] = row.Threads,
            ["real_time"] = time,
            ["cpu_time"] = time,
            ["time_unit"] = "ms",
        };
    }
}
