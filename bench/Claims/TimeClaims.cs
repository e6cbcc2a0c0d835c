using System.Globalization;
using EscNative.Bench.Experiments;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Claims;

/// <summary>Every sentence and number of the paper (CVPR 2025) about time, judged by what a run measured.</summary>
/// <remarks>
/// What is judged is a form without a device: a ratio of two times of one run, or a count. An interval of a ratio comes from the shortest and the
/// longest sample of both times. A claim holds where the whole interval keeps it, does not hold where none of it does, and cannot be told else;
/// nor can a number of one setting (table 5's network, images and request) by a run of another one.
/// </remarks>
internal static class TimeClaims
{
    private const string Esc = "esc";
    private const string EscT = "esc-t";
    private const string A5000 = "one NVIDIA A5000";
    private const string Table5 = "table 5";
    private const string Table5Setting = $"{A5000}; ResNet-18, CIFAR-10, 5,000 random images";
    private const string NoEsc = "This result has it not: ESC was not among the methods, or it was not kept.";
    private const string Forwarded = "forwardedImages";
    private const int Table5Forget = 5000;
    private const int Table5Remain = 45_000;

    // What the paper's tables 1 and 5 and its figure 5 compare ESC and ESC-T with.
    private static readonly string[] Rivals = ["retrain", "finetune", "fisher", "scrub", "l1-sparse", "salun", "badt", "ng", "rl", "bs", "lau"];

    /// <summary>The claims, in the order of the paper.</summary>
    /// <param name="document">The result of a report.</param>
    public static IReadOnlyList<TimeClaimResult> Of(ResultDocument document)
    {
        var times = document.Experiment is { } experiment ? MethodTime.Of(experiment)
            : document.Latency is { } latency ? [MethodTime.Of(Esc, latency)]
            : [];
        var run = new Run(document, times, times.FirstOrDefault(t => t.Method == Esc));
        return
        [
            Fastest(run), TrainingFree(run), SingleForward(run), Figure5(), Lau(run),
            .. PaperRunTimes.Table5Seconds.Where(row => row.Key != EscT).Select(row => Row(run, row.Key, row.Value)),
            EscItself(run),
            Row(run, EscT, PaperRunTimes.Table5Seconds[EscT]),
        ];
    }

    private static TimeClaimResult Fastest(Run run)
    {
        const string form = "time of the fastest other method of the paper / time of ESC, above 1";
        var others = run.Times.Where(t => Rivals.Contains(t.Method)).ToArray();
        var missing = Rivals.Where(name => others.All(t => t.Method != name)).ToArray();
        var claim = Claim("ESC and ESC-T are the fastest of the methods compared.", "abstract", TimeClaimResult.Text, $"{A5000}; all its data sets and networks", form, 1);
        if (run.Esc is not { } esc || others.Length == 0)
            return claim with { Reason = $"Another method was not measured: {CommandFor(Rivals)}." };
        var next = others.MinBy(t => t.Seconds)!;
        var (value, low, high) = next.Over(esc);
        var measured = claim with { Measured = value, Interval = [low, high], Here = $"{esc.Words()}, {next.Words()}", Samples = [.. esc.Samples, .. next.Samples] };
        return high < 1 ? measured with { Verdict = TimeClaimResult.DoesNotHold, Reason = $"{next.Method} is faster." }
            : low <= 1 ? measured with { Reason = $"{next.Method} takes as long as ESC, within what the samples tell." }
            : missing.Length == 0 ? measured with { Verdict = TimeClaimResult.Holds, Reason = $"All {others.Length} others take longer; the next one is {next.Method}." }
            : measured with { Reason = $"The {others.Length} others measured take longer; {string.Join(", ", missing)} {(missing.Length == 1 ? "was" : "were")} not measured." };
    }

    private static TimeClaimResult TrainingFree(Run run)
    {
        var claim = Claim("ESC is training-free.", "abstract", TimeClaimResult.Text, "any", "optimisation steps of ESC", 0);
        return run.Count(Esc, answer => answer.Steps, e => e.Steps, "steps") is not { } count
            ? claim with { Reason = NoEsc }
            : claim with
            {
                Measured = count.Value,
                Here = $"{Numbers.Count(count.Value)} steps",
                Samples = count.Paths,
                Verdict = count.Value == 0 ? TimeClaimResult.Holds : TimeClaimResult.DoesNotHold,
                Reason = "Counted by the method itself; its directions come from an eigensolver.",
            };
    }

    private static TimeClaimResult SingleForward(Run run)
    {
        var claim = Claim(
            "ESC takes only a single forward pass.", "method (ESC)", TimeClaimResult.Reference, "any", "images through the network / images to forget", 1);
        if (run.Count(Esc, answer => answer.ForwardedImages, e => e.ForwardedImages, Forwarded) is not { } count)
            return claim with { Reason = NoEsc };
        var (asked, paths) = run.Forget;
        var share = run.Document.Latency?.Stages.FirstOrDefault(s => s.Name == StageNames.Forward)?.SharePercent;
        return claim with
        {
            Measured = (double)count.Value / asked,
            Here = $"{Numbers.Count(count.Value)} images through the network for {Numbers.Count(asked)} to forget",
            Samples = [.. count.Paths, .. paths],
            Verdict = count.Value == asked ? TimeClaimResult.Holds : TimeClaimResult.DoesNotHold,
            Reason = "Counted by the network as images pass." + (share is { } percent ? $" That pass is {Numbers.Short(percent)} % of the request here (latency.stages)." : ""),
        };
    }

    private static TimeClaimResult Figure5() => Claim(
        "Run times of the methods as bars.", "figure 5", TimeClaimResult.Reference, A5000, "their order and ratios", double.NaN) with
    {
        Reason = "The bars' numbers stand in no text that was at hand; what the text says of the figure is the next row, and the order is the first one.",
    };

    private static TimeClaimResult Lau(Run run)
    {
        var claimed = PaperRunTimes.Of("lau").Ratio;
        var claim = Claim(
            "ESC is 9.17 times as fast as LAU across all settings.", "text on figure 5", TimeClaimResult.Reference, $"{A5000}; the settings of figure 5", "time of LAU / time of ESC, at least the paper's", claimed);
        if (Ratio(run, claim, "lau") is not { } ratio)
            return claim with { Reason = $"LAU and ESC were not measured in one run: {CommandFor(["lau"])}." };
        var passed = run.Count("lau", answer => answer.ForwardedImages, _ => null, Forwarded) is { } count
            ? $" LAU trains the head alone: {Numbers.Count(count.Value)} images went through the network for {Numbers.Count(run.Forget.Count)} to forget."
            : "";
        return Judge(ratio, atLeast: true, $"Read as a statement on every setting, this one among them; as a mean over the paper's settings one run cannot refute it.{passed}");
    }

    private static TimeClaimResult Row(Run run, string method, double seconds)
    {
        var claim = Claim(
            $"{PaperName(method)} takes {seconds.ToString("#,0.00", CultureInfo.InvariantCulture)} s (ESC 2.24 s).", Table5, TimeClaimResult.Reference, Table5Setting,
            $"time of {method} / time of ESC, at least the paper's", seconds / PaperRunTimes.EscSeconds);
        if (Ratio(run, claim, method) is not { } ratio)
            return claim with { Reason = $"{method} and ESC were not measured in one run: {CommandFor([method])}." };
        var order = ratio.Interval is [> 1, _] ? "ESC is the faster one here too."
            : ratio.Interval is [_, < 1] ? $"The order is reversed here: {method} is the faster one."
            : "Neither is the faster one here, within what the samples tell.";
        return run.IsTable5 ? Judge(ratio, atLeast: true, order) : ratio with { Reason = $"{order} The factor is of another setting than this one: {run.Setting}." };
    }

    private static TimeClaimResult EscItself(Run run)
    {
        var retrain = PaperRunTimes.Table5Seconds["retrain"];
        var claim = Claim(
            "ESC takes 2.24 s.", Table5, TimeClaimResult.Reference, Table5Setting, "time of ESC / time of retraining, at most the paper's", PaperRunTimes.EscSeconds / retrain);
        const string device = "Seconds of another device say nothing; one wall-clock reading with the decoding of images inside.";
        if (run.Esc is not { } esc)
            return claim with { Reason = NoEsc };
        if (run.Find("retrain") is not { } reference)
            return claim with { Here = esc.Words(), Samples = esc.Samples, Reason = $"{device} Retraining was not measured: {CommandFor(["retrain"])}." };
        var (value, low, high) = esc.Over(reference);
        var measured = claim with { Measured = value, Interval = [low, high], Here = $"{esc.Words()}, {reference.Words()}", Samples = [.. esc.Samples, .. reference.Samples] };
        return run.IsTable5 ? Judge(measured, atLeast: false, device) : measured with { Reason = $"{device} The share of retraining is of another setting than this one: {run.Setting}." };
    }

    private static TimeClaimResult? Ratio(Run run, TimeClaimResult claim, string method)
    {
        if (run.Esc is not { } esc || run.Find(method) is not { } other)
            return null;
        var (value, low, high) = other.Over(esc);
        return claim with { Measured = value, Interval = [low, high], Here = $"{other.Words()}, {esc.Words()}", Samples = [.. other.Samples, .. esc.Samples] };
    }

    // A bound is kept by the whole interval, by none of it, or by a part: then the samples do not tell.
    private static TimeClaimResult Judge(TimeClaimResult measured, bool atLeast, string because)
    {
        var (low, high) = (measured.Interval![0], measured.Interval[1]);
        var (kept, broken) = atLeast ? (low >= measured.Claimed, high < measured.Claimed) : (high <= measured.Claimed, low > measured.Claimed);
        return measured with
        {
            Verdict = kept ? TimeClaimResult.Holds : broken ? TimeClaimResult.DoesNotHold : TimeClaimResult.CannotBeTold,
            Reason = kept || broken ? because : $"The samples leave {Numbers.Short(low)} to {Numbers.Short(high)} open. {because}",
        };
    }

    private static TimeClaimResult Claim(string claim, string where, string basis, string setting, string form, double claimed) => new(
        claim, where, basis, setting, form, claimed, double.NaN, null, "not measured", [], TimeClaimResult.CannotBeTold, "");

    private static string CommandFor(IEnumerable<string> methods) => $"report --method esc,{string.Join(',', methods)} does";

    private static string PaperName(string method) => method switch
    {
        "retrain" => "Retrain",
        "finetune" => "Finetune",
        "badt" => "BadT",
        "salun" => "SalUn",
        _ => method.ToUpperInvariant(),
    };

    /// <summary>What a result holds of ESC and the others.</summary>
    private sealed record Run(ResultDocument Document, IReadOnlyList<MethodTime> Times, MethodTime? Esc)
    {
        /// <summary>Whether network, images and request are those of table 5.</summary>
        public bool IsTable5 => Document is { Model.Architecture: "resnet18", Data.ClassNames.Count: 10 } && Document.Experiment is { Trials.Count: > 0 } experiment
            && experiment.Trials.All(t => t is { ForgetImages: Table5Forget, RemainImages: Table5Remain, Requests.Count: 1 } && !t.Requests[0].StartsWith("class", StringComparison.Ordinal));

        /// <summary>This run's in words.</summary>
        public string Setting => $"{Document.Model?.Architecture}, {Document.Data?.Name}, "
            + (Document.Experiment is { Trials: [var trial, ..] } ? $"{string.Join("; then ", trial.Requests)}, {Numbers.Count(trial.ForgetImages)} images" : $"{Document.Request?.Forget}");

        /// <summary>Images to forget, and where that stands.</summary>
        public (long Count, IReadOnlyList<string> Paths) Forget => Document.Experiment is { } experiment
            ? (experiment.Trials.Sum(t => (long)t.ForgetImages), [.. experiment.Trials.Select((_, t) => $"experiment.trials[{t}].forgetImages")])
            : (Document.Request!.ForgetImages, ["request.forgetImages"]);

        public MethodTime? Find(string method) => Times.FirstOrDefault(t => t.Method == method);

        /// <summary>A counter of a method over all trials and requests, or of the first erasure; null where the result has it not.</summary>
        public (long Value, IReadOnlyList<string> Paths)? Count(string method, Func<AnswerResult, long?> answer, Func<ErasureResult, long?> erasure, string field)
        {
            if (Document.Experiment is { } experiment)
            {
                var at = experiment.Methods.ToList().FindIndex(m => m.Method == method && m.Trials.Count > 0);
                if (at < 0)
                    return null;
                var all = experiment.Methods[at].Trials.SelectMany((trial, t) => trial.Requests.Select((request, r) => (Value: answer(request), Path: $"experiment.methods[{at}].trials[{t}].requests[{r}].{field}"))).ToArray();
                return all.All(a => a.Value is not null) ? (all.Sum(a => a.Value!.Value), [.. all.Select(a => a.Path)]) : null;
            }

            return Document is { Erasures: [var first, ..], Request: not null } && erasure(first) is { } value ? (value, [$"erasures[0].{field}"]) : null;
        }
    }
}
