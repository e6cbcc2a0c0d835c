using EscNative.Bench.Experiments;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Headlines;

/// <summary>All verdicts in one line: what was forgotten, what was kept, what an attacker finds, whether the time is steady.</summary>
internal static class VerdictLine
{
    private const int MostNames = 3;
    private static readonly string[] Order = [VerdictResult.Worse, VerdictResult.None, VerdictResult.As, VerdictResult.Better];

    /// <summary>Of one method.</summary>
    /// <param name="effects">What it did to the answers.</param>
    /// <param name="attacks">What attackers find.</param>
    /// <param name="time">Its time, or null.</param>
    public static string Of(IReadOnlyList<EffectResult> effects, IReadOnlyList<EffectResult> attacks, LatencyStatistics? time)
    {
        string?[] parts =
        [
            Part("forgets", effects.Where(e => e.Name is "D_f" or "D_ft")),
            Part("keeps", effects.Where(e => e.Name is "D_r" or "D_rt")),
            Part("attacker", attacks.Where(a => a.Metric != "KR-official")),
            time is null ? null : Noise.SpreadPercent(time) <= Noise.WidePercent ? "time: steady" : "time: uneven",
        ];
        return string.Join(" | ", parts.OfType<string>());
    }

    /// <summary>Of several: which method does how well.</summary>
    public static string OfSeveral(ExperimentResult experiment)
    {
        var judged = experiment.Methods.Where(m => m.Method is not (Experiment.Original or Experiment.Retrain) && m.Metrics.Count > 0).ToArray();
        string[] parts =
        [
            Named("forget as Retrain", m => Are(m, VerdictResult.As, ("accuracy", "D_f"), ("accuracy", "D_ft"))),
            Named("keep the rest", m => Are(m, VerdictResult.As, ("accuracy", "D_rt"))),
            Named("probe as Retrain", m => Are(m, VerdictResult.As, ("KR-strong", "D_f"), ("KR-strong", "D_ft"))),
        ];
        return string.Join(" | ", parts);

        string Named(string title, Func<MethodResult, bool> holds)
        {
            string[] names = [.. judged.Where(holds).Select(m => m.Method)];
            return $"{title}: {(names.Length switch { 0 => "none", var n when n == judged.Length && n > 1 => "all", > MostNames => $"{names.Length} of {judged.Length}", _ => string.Join(", ", names) })}";
        }

        static bool Are(MethodResult method, string verdict, params (string, string)[] metrics)
        {
            var found = method.Metrics.Where(s => metrics.Contains((s.Metric, s.Name)) && double.IsFinite(s.Mean)).Select(s => s.Verdict?.Verdict).ToArray();
            return found.Length > 0 && found.All(v => v == verdict || v == VerdictResult.Better);
        }
    }

    // The worst of them is what a reader must know.
    private static string? Part(string title, IEnumerable<EffectResult> effects) =>
        effects.OrderBy(e => Array.IndexOf(Order, e.Verdict.Verdict)).FirstOrDefault() is { } worst ? $"{title}: {worst.Verdict.Short()}" : null;
}
