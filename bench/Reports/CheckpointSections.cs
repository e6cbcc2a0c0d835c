using System.Globalization;

namespace EscNative.Bench.Reports;

/// <summary>The content of a model file as tables.</summary>
internal static class CheckpointSections
{
    public static IReadOnlyList<Section> Of(CheckpointResult checkpoint)
    {
        var sections = new List<Section>
        {
            new(
                $"{checkpoint.File}: {Numbers.Count(checkpoint.Bytes)} bytes, {checkpoint.Tensors.Count} tensors",
                new TextTable(
                    ["tensor", "type", "shape", " bytes"],
                    [.. checkpoint.Tensors.Select(t => (IReadOnlyList<string>)
                        [t.Name, t.Type, $"[{string.Join(", ", t.Shape.Select(n => n.ToString(CultureInfo.InvariantCulture)))}]", Numbers.Count(t.Bytes)])]),
                [$"Architecture: {checkpoint.Architecture ?? "unknown"}. {checkpoint.Mapping}"]),
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

        return sections;
    }
}
