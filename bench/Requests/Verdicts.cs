using EscNative.Bench.Reports;
using EscNative.Unlearning.Metrics;

namespace EscNative.Bench.Requests;

/// <summary>What a metric says: better, as its reference, or worse, by more than its interval explains.</summary>
internal static class Verdicts
{
    /// <summary>The verdict on a row of a report.</summary>
    public static VerdictResult Of(MetricResult row)
    {
        if (row.Value is not { } value)
            return new VerdictResult(VerdictResult.None, "", row.Notes.Length > 0 ? row.Notes : "no value");
        // The library knows more of a measure of forgetting than its interval: what guessing gives, and which side means what.
        var judged = row.Retrain is not null ? VerdictResult.Retrain : row.Direction == MetricDirection.CloserToRetrain ? VerdictResult.Chance : VerdictResult.Ideal;
        switch (row.Verdict)
        {
            case MetricVerdict.AsReference:
                return new VerdictResult(VerdictResult.As, judged, "");
            case MetricVerdict.KnowledgeLeft:
                return new VerdictResult(VerdictResult.Worse, judged, "knowledge is left");
            case MetricVerdict.OverErased:
                return new VerdictResult(VerdictResult.Worse, judged, VerdictResult.OverErased);
        }

        const string Undecided = "no verdict: ";
        if (row.Notes.StartsWith(Undecided, StringComparison.Ordinal))
            return new VerdictResult(VerdictResult.None, "", row.Notes[Undecided.Length..]);
        if (row.Interval is not { } interval)
            return new VerdictResult(VerdictResult.None, "", "no interval");
        if (Reference(row) is not var (reference, against))
            return new VerdictResult(VerdictResult.None, "", "needs a Retrain reference");
        // The reference is as uncertain as the value: measured on as many images. Each side's half width is the one that looks at the other.
        var difference = value - reference;
        var half = difference > 0 ? value - interval.Low : interval.High - value;
        if (Math.Abs(difference) <= Math.Sqrt(2) * half)
            return new VerdictResult(VerdictResult.As, against, "");
        return row.Direction switch
        {
            MetricDirection.Higher => new VerdictResult(difference > 0 ? VerdictResult.Better : VerdictResult.Worse, against, ""),
            MetricDirection.Lower => new VerdictResult(difference < 0 ? VerdictResult.Better : VerdictResult.Worse, against, ""),
            _ => new VerdictResult(VerdictResult.Worse, against, difference > 0 ? "above Retrain" : "below Retrain"),
        };
    }

    // Without Retrain the model before the request is the reference of what is to be kept, but not of how like itself something is.
    private static (double Value, string Name)? Reference(MetricResult row) =>
        row.Retrain is { } retrain ? (retrain, VerdictResult.Retrain)
        : row.Direction != MetricDirection.CloserToRetrain && row.Unit == "%" && row.Original is { } original ? (original, VerdictResult.Before)
        : null;
}
