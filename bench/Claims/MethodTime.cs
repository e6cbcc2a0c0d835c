using EscNative.Bench.Reports;

namespace EscNative.Bench.Claims;

/// <summary>How long a method took in a run, and where the raw samples of that stand in the result.</summary>
/// <param name="Method">The method.</param>
/// <param name="Seconds">The figure to quote.</param>
/// <param name="Low">The shortest that the samples leave open.</param>
/// <param name="High">The longest.</param>
/// <param name="Runs">How many runs that is.</param>
/// <param name="Samples">Their paths in the result.</param>
internal sealed record MethodTime(string Method, double Seconds, double Low, double High, int Runs, IReadOnlyList<string> Samples)
{
    /// <summary>The methods of a comparison that ran and were timed.</summary>
    public static IReadOnlyList<MethodTime> Of(ExperimentResult experiment) =>
    [
        .. experiment.Methods.Select((method, index) => (method, index)).Where(m => m.method.Trials.Count > 0 && m.method.Trials.All(t => t.Seconds > 0))
            .Select(m => Of(m.method, $"experiment.methods[{m.index}]")),
    ];

    /// <summary>The whole request of a report on one method, from file to file.</summary>
    public static MethodTime Of(string method, LatencyResult latency) =>
        Of(method, latency.Request.Median / 1000, [.. latency.RequestSamplesMs.Select(ms => ms / 1000)], ["latency.requestSamplesMs"]);

    /// <summary>This time as a multiple of another one.</summary>
    public (double Value, double Low, double High) Over(MethodTime other) => (Seconds / other.Seconds, Low / other.High, High / other.Low);

    /// <summary>It in words: lau 0.110 s (5 runs).</summary>
    public string Words() => $"{Method} {Numbers.Short(Seconds)} s ({(Runs == 1 ? "1 run" : $"{Numbers.Count(Runs)} runs")})";

    private static MethodTime Of(MethodResult method, string path)
    {
        var seconds = method.Trials.Average(t => t.Seconds);
        // Several requests are one figure, their sum: then a trial is a sample.
        return method.Trials.All(t => t.Requests is [{ Samples.Count: > 0 }])
            ? Of(method.Method, seconds, [.. method.Trials.SelectMany(t => t.Requests[0].Samples!)], [.. method.Trials.Select((_, t) => $"{path}.trials[{t}].requests[0].samples")])
            : Of(method.Method, seconds, [.. method.Trials.Select(t => t.Seconds)], [.. method.Trials.Select((_, t) => $"{path}.trials[{t}].seconds")]) with { Runs = method.Trials.Sum(t => t.Requests.Max(r => r.Runs)) };
    }

    private static MethodTime Of(string method, double seconds, double[] samples, IReadOnlyList<string> paths)
    {
        var once = samples.Length == 1 ? ExperimentSections.OnceOff : 0;
        return new MethodTime(method, seconds, samples.Min() * (1 - once), samples.Max() * (1 + once), samples.Length, paths);
    }
}
