using System.Diagnostics;
using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Bench.Experiments;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Bench.Verbs;

/// <summary>What a report stands the request's time beside: retraining, and LAU, of which the paper says that ESC is 9.17 times as fast.</summary>
internal static class Rivals
{
    private const string LauName = "lau";
    private const int Runs = 3;

    // One run of a slow rival is enough for a ratio.
    private const double RepeatBelowSeconds = 2;

    // The parts of a request that are the method's own: no file is read or written.
    private static readonly string[] MethodStages = [StageNames.Compile, StageNames.Upload, StageNames.Forward, StageNames.Gram, StageNames.Solve, StageNames.Apply];

    /// <summary>Retraining beside the request.</summary>
    /// <param name="made">The reference that this tool trained, or null.</param>
    /// <param name="job">The request.</param>
    /// <param name="latency">The request's time.</param>
    public static RelationResult Retraining(RetrainReference? made, ErasureJob job, LatencyResult latency)
    {
        var claimed = job.Method == "esc" ? PaperRunTimes.Of(Experiment.Retrain).Ratio : double.NaN;
        return made is null || !double.IsFinite(made.Seconds)
            ? new RelationResult("retraining", double.NaN, double.NaN, RelationResult.Request, claimed, Measured: false, $"--method {job.Method},retrain")
            : new RelationResult(
                "retraining", 1000 * made.Seconds, 1000 * made.Seconds / latency.Request.Median, RelationResult.Request, claimed, Measured: true, made.Cached ? "by an earlier run" : "by this run");
    }

    /// <summary>What the Retrain reference cost, in a sentence.</summary>
    public static string Cost(RetrainReference made) => string.Create(
        CultureInfo.InvariantCulture,
        $"The Retrain reference was trained by {(made.Cached ? "an earlier run, and lies in the cache" : "this run")}: {(double.IsFinite(made.Seconds) ? $"{made.Seconds:0.0} s" : "how long it took is not known")}.");

    /// <summary>LAU beside ESC: the methods alone, model and images in memory, as the paper compares them.</summary>
    /// <param name="job">The request.</param>
    /// <param name="original">The model before it; not changed.</param>
    /// <param name="split">The images.</param>
    /// <param name="latency">The request's time by stages.</param>
    /// <param name="progress">Where to tell how far it is.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>Nothing where another method than ESC was asked for, or LAU does not apply to the request.</returns>
    public static IEnumerable<RelationResult> Lau(
        ErasureJob job, Classifier original, ForgetSplit split, LatencyResult latency, ProgressLine progress, CancellationToken cancel)
    {
        if (job.Method != "esc")
            yield break;
        var method = MethodRegistry.Create(LauName);
        var options = job.Options with { Percent = null, Directions = null, Solver = "auto", Mode = UnlearningMode.Paper };
        if (method.WhyNotApplicable(UnlearningContext.For(method, original, split, options)) is not null)
            yield break;
        var times = new List<double>();
        do
        {
            progress.Report("time LAU", (double)times.Count / Runs, $"run {times.Count + 1} of {Runs}");
            using var model = original.Copy();
            model.Device.Synchronize();
            var start = Stopwatch.GetTimestamp();
            _ = method.Run(UnlearningContext.For(method, model, split, options), null, cancel);
            model.Device.Synchronize();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        while (times.Count < Runs && times[0] < 1000 * RepeatBelowSeconds);
        var own = latency.Stages.Where(s => MethodStages.Contains(s.Name)).Sum(s => s.Time.Median);
        // The first run compiles its code.
        var time = Sampling.Median(times.Count > 1 ? times.Skip(1) : times);
        yield return new RelationResult(
            "LAU", time, time / own, RelationResult.Method, PaperRunTimes.Of(LauName).Ratio, Measured: true, $"ESC {Numbers.Short(own)} ms");
    }
}
