using System.Diagnostics;
using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>The full JSON report of BenchmarkDotNet, for its readers: ResultsComparer, Bencher, github-action-benchmark. Nanoseconds.</summary>
internal sealed class BenchmarkDotNetExport : IExportFormat
{
    private const double Nanoseconds = 1e9;

    // BenchmarkDotNet's default confidence: 99.9 %, the twelfth of its levels.
    private const double Confidence = 0.999;
    private const int ConfidenceLevel = 12;

    // The fences of its outliers, in interquartile ranges (Tukey).
    private const double Fence = 1.5;

    // Readers take the one or the other for the runs.
    private static readonly string[] IterationStages = ["Actual", "Result"];

    public string Name => "benchmarkdotnet";

    public string Description => "BenchmarkDotNet's full JSON report";

    public bool TimesOnly => true;

    public string Write(ResultDocument result) => ExportJson.Text(new JsonObject
    {
        ["Title"] = $"escnative.{result.Verb}-{result.Created}",
        ["HostEnvironmentInfo"] = new JsonObject
        {
            ["BenchmarkDotNetCaption"] = "escnative",
            ["BenchmarkDotNetVersion"] = result.Product.Version,
            ["OsVersion"] = result.Machine.OperatingSystem,
            ["ProcessorName"] = result.Machine.Cpu,
            ["PhysicalProcessorCount"] = null,
            ["PhysicalCoreCount"] = null,
            ["LogicalCoreCount"] = result.Machine.Cores,
            ["RuntimeVersion"] = result.Machine.Runtime,
            ["Architecture"] = result.Machine.OperatingSystem.Split(' ')[^1],
            ["HasAttachedDebugger"] = false,
            ["HasRyuJit"] = true,
            ["Configuration"] = "RELEASE",
            ["DotNetCliVersion"] = null,
            ["ChronometerFrequency"] = new JsonObject { ["Hertz"] = Stopwatch.Frequency },
            ["HardwareTimerKind"] = "Unknown",
        },
        ["Benchmarks"] = ExportJson.Array(ExportRows.Of(result).Where(row => row.Measure == Measure.Time), row => Benchmark(row, result.Verb)),
    });

    private static JsonObject Benchmark(ExportRow row, string verb)
    {
        var method = row.Name[(row.Name.IndexOf('/', StringComparison.Ordinal) + 1)..];
        // A result of before the samples were kept has its median alone.
        double[] nanoseconds = [.. (row.Samples.Count > 0 ? row.Samples : [row.Value]).Select(seconds => seconds * Nanoseconds)];
        return new JsonObject
        {
            ["DisplayInfo"] = $"{verb}.{method}: escnative",
            ["Namespace"] = "escnative",
            ["Type"] = verb,
            ["Method"] = method,
            ["MethodTitle"] = method,
            ["Parameters"] = $"Threads={row.Threads}",
            ["FullName"] = row.Name,
            ["HardwareIntrinsics"] = "",
            ["Statistics"] = Statistics(new SampleStatistics(nanoseconds), nanoseconds),
            ["Memory"] = null,
            ["Measurements"] = new JsonArray([.. IterationStages.SelectMany(stage => nanoseconds.Select((ns, i) => Measurement(stage, ns, i)))]),
        };
    }

    private static JsonObject Measurement(string stage, double nanoseconds, int index) => new()
    {
        ["IterationMode"] = "Workload",
        ["IterationStage"] = stage,
        ["LaunchIndex"] = 1,
        ["IterationIndex"] = index + 1,
        ["Operations"] = 1,
        ["Nanoseconds"] = nanoseconds,
    };

    private static JsonObject Statistics(SampleStatistics s, double[] values)
    {
        var (q1, q3) = (s.Quantile(0.25), s.Quantile(0.75));
        var (low, high) = (q1 - (Fence * (q3 - q1)), q3 + (Fence * (q3 - q1)));
        var statistics = new JsonObject
        {
            ["OriginalValues"] = ExportJson.Numbers(values),
            ["N"] = s.Count,
            ["Min"] = s.Minimum,
            ["LowerFence"] = low,
            ["Q1"] = q1,
            ["Median"] = s.Median,
            ["Mean"] = s.Mean,
            ["Q3"] = q3,
            ["UpperFence"] = high,
            ["Max"] = s.Maximum,
            ["InterquartileRange"] = q3 - q1,
            ["LowerOutliers"] = ExportJson.Numbers(s.Outside(low, double.PositiveInfinity)),
            ["UpperOutliers"] = ExportJson.Numbers(s.Outside(double.NegativeInfinity, high)),
            ["AllOutliers"] = ExportJson.Numbers(s.Outside(low, high)),
            ["StandardError"] = s.StandardError,
            ["Variance"] = s.Variance,
            ["StandardDeviation"] = s.Deviation,
            ["Percentiles"] = new JsonObject
            {
                ["P0"] = s.Minimum,
                ["P25"] = q1,
                ["P50"] = s.Median,
                ["P67"] = s.Quantile(0.67),
                ["P80"] = s.Quantile(0.8),
                ["P85"] = s.Quantile(0.85),
                ["P90"] = s.Quantile(0.9),
                ["P95"] = s.Quantile(0.95),
                ["P100"] = s.Maximum,
            },
        };
        // A single run, or runs that are all equal, define neither.
        if (s.Deviation == 0)
            return statistics;
        var margin = s.Margin(Confidence);
        statistics["Skewness"] = s.StandardMoment(3);
        statistics["Kurtosis"] = s.StandardMoment(4);
        statistics["ConfidenceInterval"] = new JsonObject
        {
            ["N"] = s.Count,
            ["Mean"] = s.Mean,
            ["StandardError"] = s.StandardError,
            ["Level"] = ConfidenceLevel,
            ["Margin"] = margin,
            ["Lower"] = s.Mean - margin,
            ["Upper"] = s.Mean + margin,
        };
        return statistics;
    }
}
