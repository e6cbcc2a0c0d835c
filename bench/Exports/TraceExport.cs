using System.Text.Json.Nodes;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>The JSON of Chrome's trace viewer, which Perfetto reads too: a thread for each track, a counter for the memory.</summary>
internal sealed class TraceExport : IExportFormat
{
    private const int Process = 1;
    private const double Microseconds = 1e6;

    public string Name => "trace";

    public string Description => "Chrome and Perfetto (ui.perfetto.dev)";

    public bool TimesOnly => true;

    public string Write(ResultDocument result)
    {
        var events = new JsonArray { Metadata("process_name", 0, $"escnative {result.Verb} on {result.Setup.Device}") };
        foreach (var (track, index) in Timeline.Of(result).Select((track, index) => (track, index)))
        {
            var thread = index + 1;
            events.Add(Metadata("thread_name", thread, track.Name));
            events.Add(new JsonObject
            {
                ["name"] = "thread_sort_index",
                ["ph"] = "M",
                ["pid"] = Process,
                ["tid"] = thread,
                ["args"] = new JsonObject { ["sort_index"] = index },
            });
            foreach (var slice in track.Slices)
                Add(events, slice, thread);
        }

        return ExportJson.Text(new JsonObject
        {
            ["traceEvents"] = events,
            ["displayTimeUnit"] = "ms",
            ["otherData"] = new JsonObject
            {
                ["created"] = result.Created,
                ["version"] = result.Product.Version,
                ["commit"] = result.Product.Commit ?? "",
                ["cpu"] = result.Machine.Cpu,
                ["layout"] = "durations are measured; runs stand one after another without the pauses between them, a stage with all of its time",
            },
        });
    }

    private static JsonObject Metadata(string kind, int thread, string name) => new()
    {
        ["name"] = kind,
        ["ph"] = "M",
        ["pid"] = Process,
        ["tid"] = thread,
        ["args"] = new JsonObject { ["name"] = name },
    };

    private static void Add(JsonArray events, Slice slice, int thread)
    {
        events.Add(new JsonObject
        {
            ["name"] = slice.Name,
            ["cat"] = slice.Children.Count > 0 ? "run" : "stage",
            ["ph"] = "X",
            ["ts"] = slice.Start * Microseconds,
            ["dur"] = slice.Duration * Microseconds,
            ["pid"] = Process,
            ["tid"] = thread,
        });
        foreach (var child in slice.Children)
            Add(events, child, thread);
        if (slice.TensorBytes is { } bytes)
        {
            events.Add(new JsonObject
            {
                ["name"] = "tensor memory",
                ["ph"] = "C",
                ["ts"] = slice.End * Microseconds,
                ["pid"] = Process,
                ["tid"] = thread,
                ["args"] = new JsonObject { ["bytes"] = bytes },
            });
        }
    }
}
