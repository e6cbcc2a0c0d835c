using EscNative.Bench.Experiments;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Headlines;

/// <summary>Makes the headline of a report from all of its figures.</summary>
internal static class Headline
{
    private const int MostNames = 5;

    /// <summary>Of a report on one method.</summary>
    /// <param name="result">The report.</param>
    /// <param name="column">The column of its metrics that is the answer to the request.</param>
    /// <param name="relations">Times of others that this run measured.</param>
    public static HeadlineResult OfOne(ResultDocument result, string column, IReadOnlyList<RelationResult> relations)
    {
        var request = result.Request ?? throw new ArgumentException("a result without a request", nameof(result));
        var metrics = result.Metrics ?? throw new ArgumentException("a result without metrics", nameof(result));
        var what = What(request.Forget);
        var effects = Rows(EffectRows.Answers(what), (row, label) => Effect(metrics, column, row, label));
        var attacks = Rows(EffectRows.Attacks, (row, label) => Effect(metrics, column, row, label));
        var warning = result.Latency is { } timed ? Noise.Warning(timed.Request, timed.RequestSamplesMs, timed.OthersShare ?? double.NaN) : null;
        return new HeadlineResult
        {
            Asked = $"forget {request.Forget} with {request.Method}",
            Images = $"{Numbers.Count(request.ForgetImages)} of {Numbers.Count(request.ForgetImages + (long)request.RemainImages)} training images",
            Setting = Setting(result),
            Latency = result.Latency is { } latency
                ? new HeadlineLatency(latency.Request.Median, latency.Request.P05, latency.Request.P95, latency.ColdMs, latency.Request.Count)
                : null,
            Relations = result.Latency is { } own ? [.. relations, .. Peers(result, own.Request.Median), PaperRelation(request.Method)] : [],
            Effects = effects,
            Attacks = attacks,
            Stages = result.Latency is { } staged
                ? [.. staged.Stages.OrderByDescending(s => s.Time.Median).Select(s => new StageShareResult(s.Name, EffectRows.Stage(s.Name), s.Time.Median, s.SharePercent))]
                : [],
            Methods = [],
            Warnings = warning is null ? [] : [warning],
            Verdict = VerdictLine.Of(effects, attacks, result.Latency?.Request),
        };
    }

    /// <summary>Of a comparison of methods.</summary>
    public static HeadlineResult OfSeveral(ResultDocument result)
    {
        var experiment = result.Experiment ?? throw new ArgumentException("a result without an experiment", nameof(result));
        var trial = experiment.Trials[0];
        var requests = string.Join("; then ", trial.Requests);
        var before = experiment.Methods[0];
        var retrain = experiment.Methods.FirstOrDefault(m => m.Method == Experiment.Retrain);
        var esc = experiment.Methods.FirstOrDefault(m => m.Method == "esc") is { Trials.Count: > 0 } found ? Milliseconds(found) : double.NaN;
        return new HeadlineResult
        {
            Asked = $"forget {requests} with {Named([.. experiment.Methods.Where(m => m.Trials.Count > 0 || m.NotApplicable is not null).Select(m => m.Method)])}",
            Images = $"{Numbers.Count(trial.ForgetImages)} of {Numbers.Count(trial.ForgetImages + (long)trial.RemainImages)} training images"
                + (experiment.Trials.Count > 1 ? $", {experiment.Trials.Count} trials" : ""),
            Setting = Setting(result),
            Relations = [],
            Effects = [],
            Attacks = [],
            Stages = [],
            Methods = [.. experiment.Methods.Select(m => Method(m, before, retrain, esc, What(requests)))],
            Warnings = [],
            Verdict = VerdictLine.OfSeveral(experiment),
        };
    }

    private static HeadlineMethod Method(MethodResult method, MethodResult before, MethodResult? retrain, double esc, string what)
    {
        var time = method.Trials.Count == 0 ? double.NaN : Milliseconds(method);
        var effects = Rows(EffectRows.Answers(what), (row, label) => Effect(method, before, retrain, row, label));
        var attacks = Rows(EffectRows.Attacks, (row, label) => Effect(method, before, retrain, row, label));
        var outcome = method.NotApplicable is not null ? "does not apply"
            : method.Trials.SelectMany(t => t.Requests).Any(r => r.Outcome == "diverged") ? "diverged"
            : method.Trials.Count == 0 ? "" : "completed";
        var verdict = outcome is "diverged" or "does not apply" ? outcome : method.Method is Experiment.Original or Experiment.Retrain ? "" : VerdictLine.Of(effects, attacks, null);
        return new HeadlineMethod(method.Method, time, time / esc, method.Method == "esc" ? 1 : PaperRunTimes.Of(method.Method).Ratio, outcome, effects, attacks, verdict);
    }

    private static string Named(string[] methods) => methods.Length <= MostNames ? string.Join(", ", methods) : $"{methods.Length} methods";

    private static double Milliseconds(MethodResult method) => 1000 * method.Trials.Average(t => t.Seconds);

    private static EffectResult[] Rows(IEnumerable<EffectRows.Row> rows, Func<EffectRows.Row, string, EffectResult?> find) =>
        [.. rows.Select(row => find(row, row.Label)).OfType<EffectResult>()];

    private static EffectResult? Effect(MetricsResult metrics, string column, EffectRows.Row wanted, string label)
    {
        if (metrics.Rows.FirstOrDefault(r => (r.Metric, r.Name) == (wanted.Metric, wanted.Name)) is not { } row
            || !row.Values.TryGetValue(column, out var after) || !double.IsFinite(after))
            return null;
        var interval = row.Intervals.GetValueOrDefault(column) ?? [double.NaN, double.NaN];
        return new EffectResult(
            label, row.Metric, row.Name, row.Unit, row.Values.GetValueOrDefault("original", double.NaN), after, interval[0], interval[1],
            row.Values.GetValueOrDefault("retrain", double.NaN),
            row.Verdicts?.GetValueOrDefault(column) ?? new VerdictResult(VerdictResult.None, "", ""));
    }

    private static EffectResult? Effect(MethodResult method, MethodResult before, MethodResult? retrain, EffectRows.Row wanted, string label)
    {
        if (Find(method) is not { } own || !double.IsFinite(own.Mean))
            return null;
        return new EffectResult(
            label, own.Metric, own.Name, wanted.Unit, Find(before)?.Mean ?? double.NaN, own.Mean, own.Interval?[0] ?? double.NaN, own.Interval?[1] ?? double.NaN,
            retrain is null ? double.NaN : Find(retrain)?.Mean ?? double.NaN, own.Verdict ?? new VerdictResult(VerdictResult.None, "", ""));

        StatisticResult? Find(MethodResult of) => of.Metrics.FirstOrDefault(s => (s.Metric, s.Name) == (wanted.Metric, wanted.Name));
    }

    private static string Setting(ResultDocument result)
    {
        var (model, data, setup) = (result.Model, result.Data, result.Setup);
        var device = setup.Emulated ? $"{setup.Device}, emulated: times mean nothing and are not shown"
            : setup.Device == "cpu" ? $"{result.Machine.Cpu}, {setup.Threads} {(setup.Threads == 1 ? "thread" : "threads")}" : setup.Device;
        return $"{model?.Architecture} on {data?.Name}; {device}, {setup.Precision}";
    }

    // "class 4 (coat)" names what is asked for in few words, and so does "class 4"; a long list has no short name.
    private static string What(string forget)
    {
        var bare = forget.Split(" (")[0];
        return forget.Length <= EffectRows.LongestName ? forget : bare.Length <= EffectRows.LongestName ? bare : "the forgotten";
    }

    private static IEnumerable<RelationResult> Peers(ResultDocument result, double own) =>
        (result.Peers?.Workloads.FirstOrDefault(w => w.Name == "esc-request")?.Sides ?? [])
        .Where(side => side.Best && !side.Engine.StartsWith("escnative", StringComparison.Ordinal))
        .Select(side => new RelationResult(side.Engine, side.Milliseconds, side.Milliseconds / own, RelationResult.Request, double.NaN, Measured: true, $"its fastest variant: {side.Variant}"));

    private static RelationResult PaperRelation(string method)
    {
        var ratio = method == "esc" ? 1 : PaperRunTimes.Of(method).Ratio;
        return new RelationResult(
            $"the paper's {(method == "esc" ? "ESC" : method)}", 1000 * PaperRunTimes.EscSeconds * ratio, double.NaN, RelationResult.Method, ratio, Measured: false,
            "ResNet-18 on an NVIDIA A5000");
    }
}
