using System.Text.Json;
using BenchmarkDotNet.Mathematics;
using EscNative.Bench.Exports;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench.Exports;

/// <summary>Every format read back by a strict reader of its own, with values, units and names that awkward text cannot break.</summary>
public sealed class ExportFormatTests
{
    private static readonly ResultDocument Result = ExportSample.Create();

    private static readonly IReadOnlyList<ExportRow> Rows = ExportRows.Of(Result);

    public static TheoryData<string> Names => [.. ExportFormats.Names];

    public static TheoryData<string> Committed => [.. Directory.GetFiles(Path.Combine(Repository.Root, "bench", "results"), "*.json").Select(file => Path.GetFileName(file)!)];

    [Fact]
    public void The_names_of_rows_are_a_contract()
    {
        // Dashboards keep histories under these names.
        string[] expected =
        [
            "report/request", "report/request/cold", "report/profile", "report/stage/forward", "report/stage/forward/cold", "report/stage/save", "report/stage/save/cold",
            "report/memory/peak-tensors", "report/training", "report/unlearning/scrub", "report/erasure/paper", "report/method/ng",
            "report/forward-64/escnative/eager/threads:2", "report/forward-64/escnative/eager/threads:2", "report/forward-64/Peer 1.0/nhwc/threads:2", "report/forward-64/Peer 1.0/nhwc/threads:2",
            "report/forward-64/step/features.0.0", $"report/{ExportSample.AwkwardPart}/threads:2", $"report/{ExportSample.AwkwardPart}/threads:2/Peer 1.0",
            $"report/{ExportSample.AwkwardPart}/threads:2/Peer 1.0", "report/relu", "report/relu/predicted", "report/Operation/Relu/Recording False",
            "report/Operation/Relu/Recording False", "report/metric/accuracy/D_f/original", "report/metric/KR-strong/D_f/original", "report/metric/KR-strong/D_f/paper",
            "report/metric/accuracy/D_f/original#2", "report/metric/accuracy/D_f/ng",
        ];
        Assert.Equal(expected, Rows.Select(row => row.Name));
        Assert.Equal(Rows.Count, Rows.Select(row => (row.Name, row.Measure)).Distinct().Count());
        Assert.Equal(0.2, Rows[0].Value);
        Assert.Equal([0.2, 0.19, 0.225], Rows[0].Samples);
        Assert.Equal((0.19, 0.22), (Rows[0].Low, Rows[0].High));
        Assert.Equal([0.15, 0.14, 0.161], Rows[3].Samples);
        Assert.Equal(20_000_000, Rows[7].Value);
        Assert.Equal((249e-9, 246.5e-9, 253.5e-9), (Rows[22].Value, Rows[22].Low!.Value, Rows[22].High!.Value), (a, b) => Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) + Math.Abs(a.Item3 - b.Item3) < 1e-18);
        Assert.Equal([Better.Smaller, Better.Neither, Better.Neither], Rows.Where(row => row.Name.StartsWith("report/metric", StringComparison.Ordinal)).Take(3).Select(row => row.Better));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_result_of_every_section_is_read_back_by_the_formats_own_reader(string name) => Read(name, Text(name, Result));

    [Theory]
    [MemberData(nameof(Committed))]
    public void Every_committed_result_is_exported_in_every_format(string file)
    {
        var result = ResultJson.Parse(File.ReadAllText(Path.Combine(Repository.Root, "bench", "results", file)));
        foreach (var format in ExportFormats.All)
            Read(format.Name, Text(format.Name, result));
    }

    [Fact]
    public void Csv_holds_every_row_with_its_samples()
    {
        var records = Formats.Csv(Text("csv", Result));
        Assert.Equal(
            ["name", "measure", "unit", "better", "value", "low", "high", "runs", "threads", "device", "cpu", "version", "commit", "created", "samples"], records[0]);
        Assert.Equal(Rows.Select(row => row.Name), records[1..].Select(record => record[0]));
        Assert.Equal(["report/request", "time", "s", "smaller", "0.2", "0.19", "0.22", "3", "2", "cpu", "Test CPU", "1.2.3", "abcdef", "2026-01-02T03:04:05Z", "0.2 0.19 0.225"], records[1]);
    }

    [Fact]
    public void Markdown_has_a_table_for_each_kind_of_figure()
    {
        var tables = Formats.Markdown(Text("markdown", Result));
        Assert.Equal(["Time", "Memory", "Ratio", "Metric"], tables.Keys);
        Assert.Equal(["report/request", "200", "190", "220", "3"], tables["Time"][1]);
        Assert.Equal(Rows.Count, tables.Values.Sum(table => table.Length - 1));
    }

    [Fact]
    public void A_trace_has_the_stages_within_their_runs_and_the_memory_beside_them()
    {
        var events = Formats.Trace(Json("trace"));
        var tracks = events.Where(e => Is(e, "name", "thread_name")).ToDictionary(e => e.GetProperty("args").GetProperty("name").GetString()!, e => e.GetProperty("tid").GetInt32());
        Assert.Contains("forward-64: plan steps", tracks.Keys);
        var profile = events.Where(e => e.GetProperty("tid").GetInt32() == tracks["profiled requests"]).ToArray();
        Assert.Equal(
            ["cold request", "forward", "save", "run 1", "forward", "save", "run 2", "forward", "save", "run 3", "forward", "save"],
            profile.Where(e => Is(e, "ph", "X")).Select(e => e.GetProperty("name").GetString()));
        var second = profile.Where(e => Is(e, "ph", "X")).ElementAt(6);
        Assert.Equal((400_000 + 203_000, 192_000), (Math.Round(second.GetProperty("ts").GetDouble(), 3), Math.Round(second.GetProperty("dur").GetDouble(), 3)));
        Assert.Equal([9_000_000, 2_000_000], profile.Where(e => Is(e, "ph", "C")).Take(2).Select(e => e.GetProperty("args").GetProperty("bytes").GetInt64()));
        // A result of before the samples were kept has the medians.
        var old = Formats.Trace(Json("trace", SampleResult.Create()));
        Assert.Contains(old, e => Is(e, "name", "stages, medians"));
        Assert.DoesNotContain(old, e => Is(e, "ph", "C"));
    }

    [Fact]
    public void The_statistics_are_those_that_BenchmarkDotNet_computes()
    {
        double[] samples = [0.2, 0.19, 0.225, 0.21, 0.2, 0.9, 0.205];
        var result = Result with { Latency = Result.Latency! with { RequestSamplesMs = [.. samples.Select(s => s * 1e3)] } };
        var own = Json("benchmarkdotnet", result).GetProperty("Benchmarks")[0].GetProperty("Statistics");
        var theirs = new Statistics(samples.Select(s => s * 1e9));
        (string Name, double Value)[] expected =
        [
            ("N", theirs.N), ("Min", theirs.Min), ("LowerFence", theirs.LowerFence), ("Q1", theirs.Q1), ("Median", theirs.Median), ("Mean", theirs.Mean), ("Q3", theirs.Q3),
            ("UpperFence", theirs.UpperFence), ("Max", theirs.Max), ("InterquartileRange", theirs.InterquartileRange), ("StandardError", theirs.StandardError),
            ("Variance", theirs.Variance), ("StandardDeviation", theirs.StandardDeviation), ("Skewness", theirs.Skewness), ("Kurtosis", theirs.Kurtosis),
        ];
        Assert.All(expected, e => Assert.Equal(1, own.GetProperty(e.Name).GetDouble() / e.Value, 1e-9));
        Assert.Equal(theirs.UpperOutliers.Select(x => Math.Round(x)), own.GetProperty("UpperOutliers").EnumerateArray().Select(x => Math.Round(x.GetDouble())));
        Assert.Empty(own.GetProperty("LowerOutliers").EnumerateArray());
        var interval = own.GetProperty("ConfidenceInterval");
        Assert.Equal(1, interval.GetProperty("Margin").GetDouble() / theirs.ConfidenceInterval.Margin, 1e-6);
        Assert.Equal((int)theirs.ConfidenceInterval.Level, interval.GetProperty("Level").GetInt32());
        foreach (var (name, value) in new[] { ("P67", theirs.Percentiles.P67), ("P85", theirs.Percentiles.P85), ("P95", theirs.Percentiles.P95) })
            Assert.Equal(1, own.GetProperty("Percentiles").GetProperty(name).GetDouble() / value, 1e-9);
    }

    [Theory]
    [InlineData(2, 636.619249)]
    [InlineData(3, 31.599055)]
    [InlineData(4, 12.923979)]
    [InlineData(10, 4.780913)]
    [InlineData(11, 4.586894)]
    [InlineData(31, 3.645959)]
    public void The_margin_is_that_of_Students_tables(int n, double t)
    {
        // Alternating values of mean 0 have the standard error that the formula gives.
        var statistics = new SampleStatistics([.. Enumerable.Range(0, n).Select(i => i % 2 == 0 ? 1.0 : -1.0)]);
        Assert.Equal(t, statistics.Margin(0.999) / statistics.StandardError, t * 1e-6);
    }

    [Fact]
    public void Raw_samples_stand_wherever_a_format_has_room_for_them()
    {
        Assert.Equal([0.2, 0.19, 0.225], Doubles(Json("hyperfine").GetProperty("results")[0].GetProperty("times")));
        Assert.Equal([200.0, 190, 225], Json("google-benchmark").GetProperty("benchmarks").EnumerateArray().Take(3).Select(entry => Math.Round(entry.GetProperty("real_time").GetDouble(), 9)));
        var benchmark = Json("benchmarkdotnet").GetProperty("Benchmarks")[0];
        Assert.Equal([2e8, 1.9e8, 2.25e8], benchmark.GetProperty("Measurements").EnumerateArray().Where(m => Is(m, "IterationStage", "Result")).Select(m => Math.Round(m.GetProperty("Nanoseconds").GetDouble(), 3)));
        var latency = Json("bencher").GetProperty("report/request").GetProperty("latency");
        Assert.Equal((2e8, 1.9e8, 2.2e8), (latency.GetProperty("value").GetDouble(), latency.GetProperty("lower_value").GetDouble(), latency.GetProperty("upper_value").GetDouble()));
        var metrics = OpenMetricsReader.Read(Text("openmetrics", Result));
        Assert.Contains(metrics, m => m.Name == "escnative_time_seconds_count" && m.Labels["name"] == "report/request" && m.Value == 3);
        Assert.Contains(metrics, m => m.Name == "escnative_time_seconds" && m.Labels["name"] == "report/request" && m.Labels.GetValueOrDefault("quantile") == "0.5" && m.Value == 0.2);
        Assert.Contains(metrics, m => m.Labels.GetValueOrDefault("name") == $"report/{ExportSample.AwkwardPart}/threads:2");
    }

    [Fact]
    public void Only_what_is_better_when_smaller_goes_to_the_action()
    {
        var entries = Json("github-action").EnumerateArray().ToDictionary(entry => entry.GetProperty("name").GetString()!);
        Assert.Equal(("ms", 200, "190 to 220"), (entries["report/request"].GetProperty("unit").GetString(), entries["report/request"].GetProperty("value").GetDouble(), entries["report/request"].GetProperty("range").GetString()));
        Assert.Contains("report/metric/accuracy/D_f/original", entries.Keys);
        Assert.DoesNotContain(entries.Keys, name => name.Contains("KR-strong", StringComparison.Ordinal));
    }

    [Fact]
    public void A_result_without_times_is_refused_by_formats_that_hold_times_alone()
    {
        var metrics = Result with { Latency = null, Training = null, Unlearning = null, Erasures = null, Experiment = null, Peers = null, Kernels = null, CudaKernels = null, Micro = null };
        foreach (var format in ExportFormats.All)
        {
            if (format.TimesOnly)
                Assert.Contains("holds no times", Assert.Throws<UsageException>(() => Text(format.Name, metrics)).Message, StringComparison.Ordinal);
            else
                Read(format.Name, Text(format.Name, metrics));
            Assert.Contains("holds no measurement", Assert.Throws<UsageException>(() => Text(format.Name, metrics with { Metrics = null })).Message, StringComparison.Ordinal);
        }
    }

    private static void Read(string name, string text)
    {
        Assert.DoesNotContain('\u001b', text);
        switch (name)
        {
            case "csv":
                Formats.Csv(text);
                break;
            case "markdown":
                Formats.Markdown(text);
                break;
            case "openmetrics":
                OpenMetricsReader.Read(text);
                break;
            case "benchmarkdotnet":
                BenchmarkDotNetReader.Read(text);
                break;
            default:
                var json = Parse(text);
                Action<JsonElement> read = name switch
                {
                    "trace" => file => Formats.Trace(file),
                    "speedscope" => Formats.Speedscope,
                    "bencher" => Formats.Bencher,
                    "github-action" => Formats.GitHubAction,
                    "google-benchmark" => Formats.GoogleBenchmark,
                    "hyperfine" => Formats.Hyperfine,
                    _ => _ => Assert.Fail($"no reader for {name}"),
                };
                read(json);
                break;
        }
    }

    private static string Text(string name, ResultDocument result) => ExportRequest.Parse($"{name}=file").Text(result);

    private static JsonElement Json(string name, ResultDocument? result = null) => Parse(Text(name, result ?? Result));

    private static JsonElement Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private static bool Is(JsonElement e, string field, string value) => e.GetProperty(field).GetString() == value;

    private static double[] Doubles(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetDouble())];
}
