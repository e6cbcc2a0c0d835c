using System.Globalization;

namespace EscNative.Bench.Reports;

/// <summary>The content of a model file as tables.</summary>
internal static class CheckpointSections
{
    public static IReadOnlyList<Section> Of(CheckpointResult checkpoint)
    {
        // A column of its own where names differ by more than what stands before all of them, or something does not fit; most files need none.
        var placed = checkpoint.Tensors.Any(t => (t.Problem ?? t.Fitted) is not null || (t.Place is not null && t.Place != t.Name && !t.Name.EndsWith("." + t.Place, StringComparison.Ordinal)));
        var sections = new List<Section>
        {
            new(
                $"{checkpoint.File}: {Numbers.Count(checkpoint.Bytes)} bytes, {checkpoint.Tensors.Count} tensors",
                new TextTable(
                    ["tensor", "type", "shape", " bytes", .. placed ? (string[])["here"] : []],
                    [.. checkpoint.Tensors.Select(t => (IReadOnlyList<string>)
                        [t.Name, t.Type, $"[{string.Join(", ", t.Shape.Select(n => n.ToString(CultureInfo.InvariantCulture)))}]", Numbers.Count(t.Bytes), .. placed ? (string[])[Here(t)] : []])]),
                [$"Architecture: {checkpoint.Architecture ?? "unknown"}. {checkpoint.Mapping}", .. checkpoint.Remarks ?? []]),
        };
        if (checkpoint.Metadata.Count > 0)
            sections.Add(new Section("Metadata", new TextTable(["key", "value"], [.. checkpoint.Metadata.Select(m => (IReadOnlyList<string>)[m.Key, m.Value])]), []));
        if (checkpoint.Erasures.Count > 0)
        {
            sections.Add(new Section(
                "Erasures",
                new TextTable(
                    [" nr", "form", " rank", "origin"],
                    [.. checkpoint.Erasures.Select((e, i) => (IReadOnlyList<string>)
                        [(i + 1).ToString(CultureInfo.InvariantCulture), e.Kind, Numbers.Count(e.Rank), string.Join("; ", e.Origin.Select(o => $"{o.Key} {o.Value}"))])]),
                [
                    "The weights before the erasure are unchanged: whoever holds this file can take the erasure out again.",
                    "The directions that it removes are themselves a trace of what was erased.",
                ]));
        }

        if (checkpoint.Plan is { } plan)
            sections.Add(OfPlan(plan));
        return sections;
    }

    private static string Here(TensorResult tensor) => (tensor.Problem ?? tensor.Fitted) is { } problem ? (tensor.Place is null || tensor.Place == tensor.Name ? problem : $"{tensor.Place} {problem}")
        : tensor.Place is null ? "" : tensor.Place == tensor.Name ? "same" : tensor.Place;

    private static Section OfPlan(IReadOnlyList<PlanStepResult> plan)
    {
        static IReadOnlyList<string> Row(string step, string kind, string algorithm, string output, double flops, double bytes, double weights) =>
        [
            step, kind, algorithm, output, (flops / 1e6).ToString("0.00", CultureInfo.InvariantCulture), (bytes / 1024).ToString("#,##0.0", CultureInfo.InvariantCulture),
            (weights / 1024).ToString("#,##0.0", CultureInfo.InvariantCulture),
        ];
        return new Section(
            "Plan",
            new TextTable(
                ["step", "computes", "algorithm", "output", " MFLOP", " KiB", " weights KiB"],
                [
                    .. plan.Select(s => Row(
                        s.Step, s.Kind, s.Algorithm, $"[{string.Join(", ", s.Output.Select(n => n.ToString(CultureInfo.InvariantCulture)))}]", s.Flops, s.Bytes, s.WeightBytes)),
                    Row("all", "", "", "", plan.Sum(s => s.Flops), plan.Sum(s => s.Bytes), plan.Sum(s => s.WeightBytes)),
                ]),
            ["For one image. FLOPs are those of the definition, a multiply-add is two; a Winograd step computes fewer."]);
    }
}
