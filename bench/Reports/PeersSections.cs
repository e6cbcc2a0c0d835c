using System.Globalization;

namespace EscNative.Bench.Reports;

/// <summary>A comparison as sections of a report.</summary>
internal static class PeersSections
{
    public static IEnumerable<Section> Of(PeersResult result)
    {
        foreach (var workload in result.Workloads)
        {
            yield return Of(workload);
            if (workload.Steps is { } steps)
                yield return Of(workload.Name, steps);
        }

        yield return new Section(
            "How to read it",
            null,
            [
                "Each round measures our first side, every other side, our first side again. ms: the median over the rounds of a call's median time. "
                + "ratio: its time / our first side's, the median over the rounds; above 1 our first side is faster. *: an engine's fastest variant.",
                "noise: what our two measurements of a round differ by; others: the share of the machine that foreign processes used; "
                + "waiting: what sides that had to wait used of a core, where it was most.",
                .. result.Engines.Select(e => $"{e.Name}: {e.Software}"),
            ]);
    }

    private static Section Of(WorkloadResult workload) => new(
        $"{workload.Name}: {Numbers.Count(workload.Images)} images, {workload.Description}",
        new TextTable(
            ["engine", "variant", " threads", " ms", " images/s", " ratio", " lowest", " highest", " largest difference", "of"],
            [.. workload.Sides.Select(side => (IReadOnlyList<string>)
            [
                side.Engine, side.Variant + (side.Best ? " *" : ""), side.Threads.ToString(CultureInfo.InvariantCulture), Numbers.Short(side.Milliseconds),
                Numbers.Short(side.ImagesPerSecond), Numbers.Fixed(side.Ratio), Numbers.Fixed(side.RatioLow), Numbers.Fixed(side.RatioHigh),
                side.Difference is { } difference ? Numbers.Tiny(difference) : "", side.Compared ?? "",
            ])]),
        [string.Create(
            CultureInfo.InvariantCulture,
            $"{workload.Rounds} rounds of {workload.Seconds:0.###} s a side; noise {100 * workload.Spread:0.0} %, others {Numbers.Fixed(100 * workload.OthersShare)} %, waiting {100 * workload.WaitingShare:0.0} %")]);

    private static Section Of(string workload, IReadOnlyList<StepResult> steps) => new(
        $"{workload}: where our time goes, step by step",
        new TextTable(
            ["step", "computes", "algorithm", " ms", " share %", " GFLOP/s"],
            [.. steps.Select(step => (IReadOnlyList<string>)
            [
                step.Name, step.Kind, step.Algorithm, Numbers.Short(step.Milliseconds), Numbers.Fixed(step.SharePercent), Numbers.Short(step.Gflops),
            ])]),
        ["Measured one step at a time, each waiting for the one before. GFLOP/s: as the mathematics counts them, whatever Winograd's algorithm saves. Up to the features."]);
}
