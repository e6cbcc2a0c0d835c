using EscNative.Bench.Measuring;

namespace EscNative.Bench.Reports;

/// <summary>The timings of a request as tables.</summary>
internal static class LatencySections
{
    public static IReadOnlyList<Section> Of(LatencyResult latency) => [Stages(latency), EndToEnd(latency)];

    private static Section Stages(LatencyResult latency)
    {
        var rows = latency.Stages.Select(s => (IReadOnlyList<string>)
        [
            s.Name, Numbers.Short(s.ColdMs), Numbers.Short(s.Time.Median), Numbers.Short(s.Time.P05), Numbers.Short(s.Time.P95), Numbers.Count(s.Time.Count),
            Numbers.Fixed(s.SharePercent), Numbers.Short(s.Bytes > 0 ? s.Bytes / 1e6 : null), Numbers.Short(s.GigabytesPerSecond),
            Numbers.Short(s.Flops > 0 ? s.Flops / 1e9 : null), Numbers.Short(s.Gflops), Numbers.Fixed(s.PeakPercent),
        ]).ToList();
        var total = latency.Profile;
        rows.Add(
        [
            "total", Numbers.Short(latency.ColdMs), Numbers.Short(total.Median), Numbers.Short(total.P05), Numbers.Short(total.P95), Numbers.Count(total.Count),
            Numbers.Fixed(100), "", "", "", "", "",
        ]);
        var remarks = new List<string>
        {
            $"Times in ms; median, p05 and p95 (interpolated) of n runs. The stages of a run add up to its total within {Numbers.Short(latency.StageSumErrorPercent)} %.",
            "Cold is the first request of the process: it pays for compiling the code and for the first memory.",
            "MB and GFLOP are counted from the shapes, not measured; a stage without them was not counted. What Winograd's algorithm saves is not subtracted: its share of the peak may exceed 100 %.",
        };
        if (latency.PeakF32Gflops is { } peak)
            remarks.Add($"Peak: {Numbers.Short(peak)} GFLOP/s in float32 and {Numbers.Short(latency.PeakF64Gflops)} in float64, measured here with chains of multiply-adds on all threads.");
        return new Section(
            "Latency of the erasure request, by stage (profile run)",
            new TextTable(["stage", " cold", " median", " p05", " p95", " n", " share %", " MB", " GB/s", " GFLOP", " GFLOP/s", " % of peak"], rows),
            remarks)
        {
            Chart = new BarChart("Median of each stage", "ms", [.. latency.Stages.Select(s => (s.Name, s.Time.Median))]),
        };
    }

    private static Section EndToEnd(LatencyResult latency)
    {
        var difference = latency.DifferencePercent;
        return new Section(
            "Latency of the erasure request, end to end",
            new TextTable(
                ["run", " median ms", " p05", " p95", " min", " max", " MAD", " n"],
                [
                    ["cold (first request)", Numbers.Short(latency.ColdMs), "", "", "", "", "", "1"],
                    Row("latency run (no borders)", latency.Request),
                    Row("profile run (stage borders)", latency.Profile),
                ]),
            [
                $"The profile run takes {Numbers.Short(Math.Abs(difference))} % {(difference >= 0 ? "more" : "less")} than the latency run.",
                $"Tensors held at most {Numbers.Short(latency.PeakTensorBytes / 1e6)} MB at once, the model included; images to forget pass through in batches.",
                $"Warm-up: {latency.WarmupRuns} runs of each kind; {latency.WarmupEnd}.",
            ]);
    }

    private static IReadOnlyList<string> Row(string name, LatencyStatistics s) =>
    [
        name, Numbers.Short(s.Median), Numbers.Short(s.P05), Numbers.Short(s.P95), Numbers.Short(s.Minimum), Numbers.Short(s.Maximum),
        Numbers.Short(s.Mad), Numbers.Count(s.Count),
    ];
}
