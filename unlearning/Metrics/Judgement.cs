using System.Globalization;

namespace EscNative.Unlearning.Metrics;

/// <summary>Says whether a measure of forgetting is above or below its reference by more than chance explains.</summary>
public static class Judgement
{
    /// <summary>Adds the verdict and its words to a row.</summary>
    /// <param name="row">A measure of forgetting.</param>
    /// <param name="ideal">The ideal value if it is known without Retrain.</param>
    /// <param name="chance">The value of guessing: what is below is over-erased even if Retrain is unknown.</param>
    /// <param name="error">The standard error of a value.</param>
    /// <param name="forgetful">Whether larger values mean that less is known (ZRF); else that more is.</param>
    public static MetricResult Of(MetricResult row, double? ideal, double? chance, Func<double, double> error, bool forgetful = false)
    {
        if (row.Value is not { } value)
            return row;
        if ((row.Retrain ?? ideal) is not { } reference)
        {
            return chance is { } guess && value < guess - (2 * error(guess))
                ? row with { Verdict = MetricVerdict.OverErased, Notes = Text($"below chance ({guess:0.##}): over-erased") }
                : row;
        }

        var name = row.Retrain is null ? "the ideal" : "Retrain";
        var difference = value - reference;
        var noise = 2 * Math.Sqrt(Math.Pow(error(value), 2) + Math.Pow(error(reference), 2));
        var (verdict, words) = Math.Abs(difference) <= noise
            ? (MetricVerdict.AsReference, Text($"as {name}, within sampling error"))
            : (difference < 0) != forgetful
                ? (MetricVerdict.OverErased, Text($"{Side(difference, row.Unit)} {name}: over-erased"))
                : (MetricVerdict.KnowledgeLeft, Text($"{Side(difference, row.Unit)} {name}: knowledge is left"));
        return row with { Verdict = verdict, Notes = words };
    }

    private static string Side(double difference, string unit) => unit == "%"
        ? Text($"{Math.Abs(difference):0.##} {(difference < 0 ? "below" : "above")}")
        : Text($"{Math.Abs(difference):0.####} {(difference < 0 ? "below" : "above")}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
