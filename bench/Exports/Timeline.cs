using EscNative.Bench.Cli;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>A stretch of time, in seconds from the start of its track.</summary>
/// <param name="Name">What ran.</param>
/// <param name="Start">When it began.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Children">What ran within it, one after another.</param>
/// <param name="TensorBytes">Bytes that tensors held at its end, where that was measured.</param>
internal sealed record Slice(string Name, double Start, double Duration, IReadOnlyList<Slice> Children, long? TensorBytes = null)
{
    public double End => Start + Duration;
}

/// <summary>Slices that follow one another.</summary>
/// <param name="Name">What they are.</param>
/// <param name="Slices">In their order.</param>
internal sealed record Track(string Name, IReadOnlyList<Slice> Slices);

/// <summary>The times of a result laid out one after another, for the viewers of traces.</summary>
/// <remarks>
/// A result holds how long each run and stage took, not the moment at which it began: runs stand side by side without the pauses between
/// them, stages in the order in which they first began, each with all of its time.
/// </remarks>
internal static class Timeline
{
    private const double MillisecondsPerSecond = 1e3;

    /// <summary>The tracks of a result; none where it holds no times.</summary>
    public static IReadOnlyList<Track> Of(ResultDocument result) =>
        [.. new[] { Latency(result), Erasures(result), Methods(result), Peers(result), Kernels(result) }.SelectMany(tracks => tracks).Where(track => track.Slices.Count > 0)];

    private static IEnumerable<Track> Latency(ResultDocument result)
    {
        if (result.Training is { } training)
            yield return InTurn("training", [("training", training.Seconds)]);
        if (result.Latency is not { } latency)
            yield break;
        yield return InTurn("requests", latency.RequestSamplesMs.Select((ms, i) => (FormattableString.Invariant($"request {i + 1}"), ms / MillisecondsPerSecond)));
        var runs = new List<(string Name, double? TotalMs, IEnumerable<double> StagesMs)> { ("cold request", latency.ColdMs, latency.Stages.Select(stage => stage.ColdMs)) };
        if (latency.ProfileSamplesMs is { } totals && latency.Stages.All(stage => stage.SamplesMs?.Count == totals.Count))
            runs.AddRange(totals.Select((total, run) => (FormattableString.Invariant($"run {run + 1}"), (double?)total, latency.Stages.Select(stage => stage.SamplesMs![run]))));
        else
            runs.Add(("stages, medians", null, latency.Stages.Select(stage => stage.Time.Median)));
        var slices = new List<Slice>();
        foreach (var (name, total, stages) in runs)
        {
            var start = slices.Count > 0 ? slices[^1].End : 0;
            var children = new List<Slice>();
            foreach (var (stage, ms) in latency.Stages.Zip(stages).Where(pair => pair.Second > 0))
                children.Add(new Slice(PlainText.Of(stage.Name), children.Count > 0 ? children[^1].End : start, ms / MillisecondsPerSecond, [], stage.TensorBytes));
            // The total has a clock of its own, whose rounding must not cut a stage.
            var end = Math.Max(start + ((total ?? 0) / MillisecondsPerSecond), children.Count > 0 ? children[^1].End : start);
            slices.Add(new Slice(name, start, end - start, children));
        }

        yield return new Track("profiled requests", slices);
    }

    private static IEnumerable<Track> Erasures(ResultDocument result)
    {
        if (result.Unlearning is { } run)
            yield return InTurn("unlearning", [(run.Method, run.Seconds)]);
        if (result.Erasures is { } erasures)
            yield return InTurn("erasures", erasures.Select(erasure => (erasure.Mode, erasure.Seconds)));
    }

    private static IEnumerable<Track> Methods(ResultDocument result)
    {
        foreach (var method in result.Experiment?.Methods ?? [])
        {
            yield return InTurn(
                $"method {method.Method}", method.Trials.Select(trial => (FormattableString.Invariant($"trial {trial.Trial + 1}"), trial.Seconds)));
        }
    }

    private static IEnumerable<Track> Peers(ResultDocument result)
    {
        foreach (var workload in result.Peers?.Workloads ?? [])
        {
            yield return InTurn(workload.Name, workload.Sides.Select(side => ($"{side.Engine} {side.Variant}{(side.BusyCore ? ", a core busy" : "")}", side.Milliseconds / MillisecondsPerSecond)));
            yield return InTurn($"{workload.Name}: plan steps", (workload.Steps ?? []).Select(step => ($"{step.Name} {step.Kind}", step.Milliseconds / MillisecondsPerSecond)));
        }
    }

    private static IEnumerable<Track> Kernels(ResultDocument result)
    {
        yield return InTurn("kernels", (result.Kernels?.Rows ?? []).Select(row => (row.Name, row.Milliseconds / MillisecondsPerSecond)));
        if (result.CudaKernels is { } gpu)
        {
            yield return InTurn($"kernels on {gpu.Device}", gpu.Rows.Select(row => (row.Name, row.Milliseconds / MillisecondsPerSecond)));
            yield return InTurn($"kernels, predicted for {gpu.PredictedFor}", gpu.Rows.Select(row => (row.Name, row.PredictedMilliseconds / MillisecondsPerSecond)));
        }

        yield return InTurn("micro", (result.Micro?.Rows ?? []).Select(row => ($"{row.Suite}.{row.Name} {row.Parameters}".TrimEnd(), row.MedianNanoseconds / 1e9)));
    }

    private static Track InTurn(string name, IEnumerable<(string Name, double Seconds)> parts)
    {
        var slices = new List<Slice>();
        foreach (var (part, seconds) in parts.Where(part => double.IsFinite(part.Seconds)))
            slices.Add(new Slice(PlainText.Of(part), slices.Count > 0 ? slices[^1].End : 0, seconds, []));
        return new Track(PlainText.Of(name), slices);
    }
}
