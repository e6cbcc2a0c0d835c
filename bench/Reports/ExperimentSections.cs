using System.Globalization;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Bench.Reports;

/// <summary>An experiment as sections of text: a method a row.</summary>
internal static class ExperimentSections
{
    /// <summary>What a time that was taken once may be off, either way: a shared machine's noise from one minute to the next.</summary>
    public const double OnceOff = 0.2;

    public static IEnumerable<Section> Of(ExperimentResult result)
    {
        yield return Asked(result);
        yield return Accuracies(result);
        yield return Knowledge(result);
        if (result.Methods.Any(m => m.Trials.Any(t => t.Requests.Count > 1)))
            yield return Requests(result);
        if (result.Claims.Count > 0)
            yield return Claims(result);
        if (Remarks(result) is { Count: > 0 } remarks)
            yield return new Section("What the methods say", null, remarks);
    }

    private static Section Asked(ExperimentResult result) => new(
        $"Scenario {result.Scenario}: {result.Description}",
        new TextTable(
            [" trial", " seed", "forget", " images to forget", " images to keep"],
            [.. result.Trials.Select(t => (IReadOnlyList<string>)
            [
                Numbers.Count(t.Index + 1), t.Seed.ToString(CultureInfo.InvariantCulture), string.Join("; then ", t.Requests), Numbers.Count(t.ForgetImages), Numbers.Count(t.RemainImages),
            ])]),
        []);

    private static Section Accuracies(ExperimentResult result)
    {
        var columns = Present(result, ComparisonTable.Model);
        return new Section(
            "Methods",
            new TextTable(
                ["method", "sees", .. columns.Select(c => " " + c.Heading), " seconds", " steps", "ended"],
                [.. result.Methods.Select(m => (IReadOnlyList<string>)
                [
                    m.Method, m.Data, .. columns.Select(c => Cell(m, c.Metric, c.Name)), Seconds(m), Steps(m), Ended(m),
                ])]),
            [
                "D_f and D_r: accuracy on the training images to forget and to keep, D_ft and D_rt: on the test images; HM, HM_t: harmonic means of 100 - forgotten and kept. "
                + (HasRetrain(result) ? "Below Retrain's D_ft is not better: it is over-erasure." : "No Retrain reference was measured: how far below is too far cannot be told."),
                "Seconds: the method alone, model and images in memory; methods that take less than two seconds were timed five times (median)."
                + (result.Trials.Count > 1 ? $" Mean ± standard deviation of {result.Trials.Count} trials." : ""),
            ]);
    }

    private static Section Knowledge(ExperimentResult result)
    {
        var columns = Present(result, ComparisonTable.Knowledge);
        return new Section(
            "What survives in the features, and who was a member",
            new TextTable(
                ["method", .. columns.Select(c => " " + c.Heading)],
                [.. result.Methods.Where(m => m.Metrics.Count > 0).Select(m => (IReadOnlyList<string>)
                [
                    m.Method, .. columns.Select(c => Cell(m, c.Metric, c.Name)),
                ])]),
            [
                "KR: the paper's probe, which stops long before it converges; strong: a linear head trained to convergence, the attacker's best of a sweep. "
                + (HasRetrain(result) ? "A class never seen can be probed too, so Retrain's value is the one to compare with: above it knowledge is left, below it the class is over-erased." : "A class never seen can be probed too: without a Retrain reference nothing says how much is knowledge."),
                "AUC: forgotten classes against the rest, by a balanced logistic regression; MIA: membership inference by table 1's attack on the loss; ZRF near 1: "
                + "the answers on the forgotten images are those of a network that knows nothing; CKA: how like the Original's the features of the forgotten images still are.",
                "The JSON result holds every metric of every method with its definition, its ideal and what it says beside Retrain.",
            ]);
    }

    private static Section Requests(ExperimentResult result)
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach (var method in result.Methods)
        {
            foreach (var trial in method.Trials)
            {
                for (var r = 0; r < trial.Requests.Count; r++)
                    rows.Add(Row(method.Method, trial.Trial, (r + 1).ToString(CultureInfo.InvariantCulture), trial.Requests[r]));
                if (trial.Joint is { } joint)
                    rows.Add(Row(method.Method, trial.Trial, "all at once", joint));
            }
        }

        return new Section(
            "Requests one after another",
            new TextTable(["method", " trial", "request", "asked for", " seconds", " D_f", " D_r", " D_ft", " D_rt", "ended"], rows),
            ["D_f and D_ft: everything asked for so far. \"All at once\": one request for everything, on the model before the first one."]);

        static IReadOnlyList<string> Row(string method, int trial, string number, AnswerResult answer) =>
        [
            method, Numbers.Count(trial + 1), number, answer.Request, Numbers.Short(answer.Seconds),
            .. ((string[])["D_f", "D_r", "D_ft", "D_rt"]).Select(name => Numbers.Fixed(answer.Accuracies?.GetValueOrDefault(name, double.NaN))), answer.Outcome,
        ];
    }

    private static Section Claims(ExperimentResult result) => new(
        "Run time against ESC: claim / measured",
        new TextTable(
            ["method", " paper: times ESC", " measured: times ESC", "where the paper says it"],
            [.. result.Claims.Select(c => (IReadOnlyList<string>)[c.Method, Numbers.Short(c.Claimed), Numbers.Short(c.Measured), c.Source])]),
        [
            "Measured: one machine, one run, the same model and images for all. The paper's network, device and share of image decoding are others, so that only the order of magnitude can be compared.",
        ]);

    /// <summary>The paper's sentences about time, a claim a row.</summary>
    public static Section TimeClaims(IReadOnlyList<TimeClaimResult> claims) => new(
        "What the paper says about time, and whether it holds here",
        new TextTable(
            ["the paper says", "judged without a device by", " paper", " here", "verdict", "why"],
            [.. claims.Select(c => (IReadOnlyList<string>)
            [
                $"{c.Claim} ({c.Where})", c.Form, Numbers.Short(c.Claimed), Numbers.Short(c.Measured), c.Verdict, c.Here == "not measured" ? c.Reason : $"{c.Here}. {c.Reason}",
            ])]),
        [
            "The paper measured on one NVIDIA A5000. A ratio holds where the shortest and the longest samples of both times keep it, does not hold where they all break it. "
            + $"A time that was taken once is given {Numbers.Short(100 * OnceOff)} % either way.",
            "The JSON result names for every claim where its raw samples stand, the paper's setting, and whether the sentence was read in the paper's own text or in a summary.",
        ]);

    private static List<string> Remarks(ExperimentResult result) =>
    [
        .. result.Methods.Where(m => m.NotApplicable is not null).Select(m => $"{m.Method} does not apply: {m.NotApplicable}"),
        .. result.Methods.SelectMany(m => m.Trials.Take(1).SelectMany(t => t.Requests).SelectMany(r => r.Notes).Distinct().Select(note => $"{m.Method}: {note}")),
    ];

    // U-LiRA judges a method, not one model: it is none of the registry's.
    private static MetricColumn[] Present(ExperimentResult result, ComparisonTable table) =>
        [.. MetricRegistry.Columns.Append(ULira.Column).Where(c => c.Table == table).OrderBy(c => c.Place).Where(c => result.Methods.Any(m => m.Metrics.Any(s => (s.Metric, s.Name) == (c.Metric, c.Name) && double.IsFinite(s.Mean))))];

    private static string Cell(MethodResult method, string metric, string name)
    {
        if (method.Metrics.FirstOrDefault(s => (s.Metric, s.Name) == (metric, name)) is not { } found || !double.IsFinite(found.Mean))
            return "-";
        return found.Deviation is { } deviation ? $"{Numbers.Fixed(found.Mean)} ± {Numbers.Fixed(deviation)}" : Numbers.Fixed(found.Mean);
    }

    private static bool HasRetrain(ExperimentResult result) => result.Methods.Any(m => m.Method == "retrain" && m.Metrics.Count > 0);

    private static string Seconds(MethodResult method) => method.Trials.Count == 0 ? "-" : Numbers.Short(method.Trials.Average(t => t.Seconds));

    private static string Steps(MethodResult method) =>
        method.Trials.Count == 0 ? "-" : Numbers.Count(method.Trials[0].Requests.Sum(r => r.Steps));

    private static string Ended(MethodResult method) => method.NotApplicable is not null ? "does not apply"
        : method.Trials.SelectMany(t => t.Requests).Any(r => r.Outcome == "diverged") ? "diverged"
        : method.Trials.Count == 0 ? "" : "completed";
}
