using EscNative.Bench.Measuring;

namespace EscNative.Bench.Reports;

/// <summary>The timings of a request as tables.</summary>
internal static class LatencySections
{
    public static IReadOnlyList<Section> Of(LatencyResult latency) => [EndToEnd(latency), Stages(latency), Work(latency)];

    private static Section Stages(LatencyResult latency)
    {
        var total = latency.Profile;
        return new Section(
            "Latency of the request by stage, in ms (profile run)",
            new TextTable(
                ["stage", " cold", " median", " p05", " p95", " n", " share %"],
                [
                    .. latency.Stages.Select(s => Row(s.Name, s.ColdMs, s.Time, s.SharePercent)),
                    Row("total", latency.ColdMs, total, 100),
                ]),
            [
                $"Median, p05 and p95 (interpolated) of n runs. The stages of a run add up to its total within {Numbers.Short(latency.StageSumErrorPercent)} %.",
                "Cold is the first request of the process: it pays for compiling the code and for the first memory.",
                "load: model file to parameters; read: image files, and those to forget; compile: the network to a plan; upload: images to the device; forward: to the features; "
                + "gram: their second moments; solve: the directions to remove; apply: into the model; save: to disk.",
            ])
        {
            Chart = new BarChart("Median of each stage", "ms", [.. latency.Stages.Select(s => (s.Name, s.Time.Median))]),
        };

        static IReadOnlyList<string> Row(string name, double cold, LatencyStatistics time, double share) =>
        [
            name, Numbers.Short(cold), Numbers.Short(time.Median), Numbers.Short(time.P05), Numbers.Short(time.P95), Numbers.Count(time.Count), Numbers.Fixed(share),
        ];
    }

    private static Section Work(LatencyResult latency)
    {
        var remarks = new List<string>
        {
            "MB and GFLOP are counted from the shapes, not measured; a stage without them was not counted. What Winograd's algorithm saves is not subtracted: its share of the peak may exceed 100 %.",
        };
        if (latency.PeakF32Gflops is { } peak)
            remarks.Add($"Peak: {Numbers.Short(peak)} GFLOP/s in float32 and {Numbers.Short(latency.PeakF64Gflops)} in float64, measured here with chains of multiply-adds on all threads.");
        return new Section(
            "Work of each stage",
            new TextTable(
                ["stage", " MB", " GB/s", " GFLOP", " GFLOP/s", " % of peak"],
                [
                    .. latency.Stages.Where(s => s.Bytes > 0 || s.Flops > 0).Select(s => (IReadOnlyList<string>)
                    [
                        s.Name, Numbers.Short(s.Bytes > 0 ? s.Bytes / 1e6 : null), Numbers.Short(s.GigabytesPerSecond),
                        Numbers.Short(s.Flops > 0 ? s.Flops / 1e9 : null), Numbers.Short(s.Gflops), Numbers.Fixed(s.PeakPercent),
                    ]),
                ]),
            remarks)
        {
            IsDetail = true,
        };
    }

    private static Section EndToEnd(LatencyResult latency)
    {
        var difference = latency.DifferencePercent;
        return new Section(
            "Latency of the request, end to end",
            new TextTable(
                ["run", " median ms", " p05", " p95", " min", " max", " MAD", " n"],
                [
                    ["cold (first request)", Numbers.Short(latency.ColdMs), "", "", "", "", "", "1"],
                    Row("latency run (no borders)", latency.Request),
                    Row("profile run (stage borders)", latency.Profile),
                ]),
            [
                Noise.Explains(latency.Request, latency.Profile)
                    ? $"Profile and latency run differ by no more than noise ({Numbers.Short(Math.Abs(difference))} %): the borders between stages cost nothing that can be seen."
                    : difference > 0
                        ? $"The profile run takes {Numbers.Short(difference)} % more than the latency run: that is what the borders between stages cost."
                        : $"The profile run took {Numbers.Short(-difference)} % less than the latency run, though it does more: the machine was uneven, and neither is better known than that.",
                .. Noise.Warning(latency.Request, latency.RequestSamplesMs, latency.OthersShare ?? double.NaN) is { } warning ? (string[])[$"Uneven: {warning}."] : [],
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
