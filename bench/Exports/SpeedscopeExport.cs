using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>Speedscope's own format: an evented profile for each track.</summary>
internal sealed class SpeedscopeExport : IExportFormat
{
    private const double Milliseconds = 1e3;

    public string Name => "speedscope";

    public string Description => "flame graphs at speedscope.app";

    public bool TimesOnly => true;

    public string Write(ResultDocument result)
    {
        var frames = new List<string>();
        var indices = new Dictionary<string, int>(StringComparer.Ordinal);
        var profiles = ExportJson.Array(Timeline.Of(result), track =>
        {
            var events = new JsonArray();
            foreach (var slice in track.Slices)
                Add(events, slice, FrameOf);
            return new JsonObject
            {
                ["type"] = "evented",
                ["name"] = track.Name,
                ["unit"] = "milliseconds",
                ["startValue"] = 0,
                ["endValue"] = track.Slices[^1].End * Milliseconds,
                ["events"] = events,
            };
        });
        // The profile with stages says most.
        var active = Timeline.Of(result).Select((track, index) => (track, index)).FirstOrDefault(t => t.track.Slices.Any(s => s.Children.Count > 0)).index;
        return ExportJson.Text(new JsonObject
        {
            ["$schema"] = "https://www.speedscope.app/file-format-schema.json",
            ["shared"] = new JsonObject { ["frames"] = ExportJson.Array(frames, name => new JsonObject { ["name"] = name }) },
            ["profiles"] = profiles,
            ["name"] = $"escnative {result.Verb} on {result.Setup.Device}, {result.Created}",
            ["activeProfileIndex"] = active,
            ["exporter"] = $"escnative@{result.Product.Version}",
        });

        int FrameOf(string name)
        {
            if (!indices.TryGetValue(name, out var index))
            {
                indices[name] = index = frames.Count;
                frames.Add(name);
            }

            return index;
        }
    }

    private static void Add(JsonArray events, Slice slice, Func<string, int> frameOf)
    {
        var frame = frameOf(slice.Name);
        events.Add(new JsonObject { ["type"] = "O", ["frame"] = frame, ["at"] = slice.Start * Milliseconds });
        foreach (var child in slice.Children)
            Add(events, child, frameOf);
        events.Add(new JsonObject { ["type"] = "C", ["frame"] = frame, ["at"] = slice.End * Milliseconds });
    }
}
