using EscNative.Bench.Reports;

namespace EscNative.Bench.Screens;

/// <summary>The methods of a comparison, a line each.</summary>
internal static class MethodTable
{
    // With what stands around the table a screen of 24 lines is full.
    private const int MostMethods = 12;
    private const int Whole = 80;
    private const int WithTraining = 100;

    /// <summary>The lines.</summary>
    /// <param name="methods">The methods in the order asked, the model before the request first.</param>
    /// <param name="width">The terminal's columns.</param>
    public static IEnumerable<ScreenLine> Lines(IReadOnlyList<HeadlineMethod> methods, int width)
    {
        var columns = Columns(methods, width);
        yield return new ScreenLine(ScreenText.Cut("METHODS, in the order asked; accuracies in %", width), IsHeading: true);
        var name = Math.Min(16, methods.Max(m => ScreenText.Cells(m.Method)));
        yield return new ScreenLine(Line("method", [.. columns.Select(c => c.Heading)]), IsHeading: true);
        foreach (var method in methods.Take(MostMethods))
            yield return new ScreenLine(Line(method.Method, [.. columns.Select(c => c.Value(method))]));
        if (methods.Count > MostMethods)
            yield return new ScreenLine($"  and {methods.Count - MostMethods} more, in the table below");
        foreach (var line in Legend(methods, columns).SelectMany(text => ScreenText.Wrap("  " + text, width, 2)))
            yield return new ScreenLine(line);

        string Line(string method, string[] cells) => ScreenText.Cut(
            ("  " + ScreenText.Left(ScreenText.Safe(method), name) + string.Concat(cells.Select((cell, i) => columns[i].IsText ? "  " + (ScreenText.Cells(cell) > columns[i].Width ? cell : ScreenText.Left(cell, columns[i].Width)) : ScreenText.Right(cell, columns[i].Width)))).TrimEnd(), width);
    }

    private sealed record Column(string Heading, int Width, Func<HeadlineMethod, string> Value, bool IsText = false);

    private static List<Column> Columns(IReadOnlyList<HeadlineMethod> methods, int width)
    {
        var columns = new List<Column> { new("time", 8, m => FirstScreen.Milliseconds(m.Milliseconds)) };
        if (width >= Whole && methods.Any(m => double.IsFinite(m.TimesEsc)))
            columns.Add(new Column("x ESC", 7, m => double.IsFinite(m.TimesEsc) ? FirstScreen.Ratio(m.TimesEsc) : "-"));
        if (width >= WithTraining && methods.Any(m => double.IsFinite(m.TimesEsc)))
            columns.Add(new Column("paper", 8, m => double.IsFinite(m.ClaimedTimesEsc) ? FirstScreen.Ratio(m.ClaimedTimesEsc) : "-"));
        // A request for single images has no test images.
        var forgotten = methods.Any(m => Found(m, "accuracy", "D_ft") is not null) ? "D_ft" : "D_f";
        foreach (var symbol in width >= WithTraining ? (string[])[.. forgotten == "D_f" ? [] : (string[])["D_f"], forgotten, "D_rt"] : [forgotten, "D_rt"])
            columns.Add(new Column(symbol, 6, m => Text(Found(m, "accuracy", symbol))));
        columns.Add(new Column("KR", 6, m => Text(Found(m, "KR-strong", forgotten))));
        if (width < Whole)
        {
            columns.Add(new Column("verdict", 11, Worst, IsText: true));
            return columns;
        }

        columns.Add(new Column("forgets", 7, m => m.Outcome is "diverged" or "does not apply" ? m.Outcome : Brief(m, "accuracy", forgotten), IsText: true));
        columns.Add(new Column("keeps", 6, m => Brief(m, "accuracy", "D_rt"), IsText: true));
        columns.Add(new Column("probe", 6, m => Brief(m, "KR-strong", forgotten), IsText: true));
        return columns;
    }

    private static IEnumerable<string> Legend(IReadOnlyList<HeadlineMethod> methods, List<Column> columns)
    {
        string Has(string heading, string text) => columns.Any(c => c.Heading == heading) ? text : "";
        yield return string.Concat(
            Has("D_f", "D_f: training images to forget; "), Has("D_ft", "D_ft: unseen images of what is forgotten; "), "D_rt: unseen images of the rest; ",
            "KR (knowledge retention): of the images to forget, what a new head trained to the end on the features finds.",
            Has("x ESC", " x ESC: time / ESC's."), Has("paper", " paper: the same there."));
        if (methods.Any(m => m.Method == "retrain") && columns.Any(c => c.Heading == "forgets"))
            yield return "as: as Retrain within chance; worse: knowledge is left (forgets, probe) or lost (keeps); over: over-erased.";
        else if (methods.All(m => m.Method != "retrain"))
            yield return "No Retrain reference: add retrain to --method, or give --retrain FILE.";
    }

    private static EffectResult? Found(HeadlineMethod method, string metric, string name) =>
        method.Effects.Concat(method.Attacks).FirstOrDefault(e => (e.Metric, e.Name) == (metric, name));

    private static string Text(EffectResult? effect) => effect is null ? "-" : Numbers.Tenths(effect.After);

    private static string Brief(HeadlineMethod method, string metric, string name) => !Judged(method) || method.Outcome is not "completed" || Found(method, metric, name) is not { } effect ? ""
        : effect.Verdict switch
        {
            { Why: VerdictResult.OverErased } => "over",
            { Verdict: VerdictResult.None } => "-",
            var verdict => verdict.Verdict,
        };

    private static string Worst(HeadlineMethod method) => method.Outcome is "diverged" or "does not apply" ? method.Outcome
        : !Judged(method) ? ""
        : method.Effects.Concat(method.Attacks.Where(a => a.Metric == "KR-strong")).Select(e => e.Verdict)
            .OrderBy(v => v.Verdict switch { VerdictResult.Worse => 0, VerdictResult.None => 1, VerdictResult.As => 2, _ => 3 }).FirstOrDefault()?.Short() ?? "";

    // The model before the request and Retrain are what others are judged beside.
    private static bool Judged(HeadlineMethod method) => method.Verdict.Length > 0;
}
