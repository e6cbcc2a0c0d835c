namespace EscNative.Bench.Reports;

/// <summary>The metrics of one or several models as tables.</summary>
internal static class MetricSections
{
    private const string Original = "original";
    private const string Retrain = "retrain";

    // What a first look wants; the others are variants of them.
    private static readonly (string Metric, string Name)[] Key =
    [
        ("accuracy", "D_f"), ("accuracy", "D_r"), ("accuracy", "D_ft"), ("accuracy", "D_rt"), ("accuracy", "HM"), ("accuracy", "HM_t"),
        ("KR-strong", "D_f"), ("KR-strong", "D_ft"), ("KR-strong", "D_rt"), ("KR-official", "D_f"), ("MIA", "accuracy"), ("ZRF", "D_f"),
    ];

    /// <summary>The key metrics of the first erased model, then all of every one.</summary>
    public static IEnumerable<Section> Of(MetricsResult metrics)
    {
        var erased = metrics.Columns.Where(column => column is not (Original or Retrain)).ToArray();
        yield return Brief(metrics, erased[0], erased.Length > 1 ? $", {erased[0]} mode" : "");
        foreach (var column in erased)
            yield return Whole(metrics, column, erased.Length > 1 ? $", {column} mode" : "");
    }

    private static Section Brief(MetricsResult metrics, string column, string mode)
    {
        bool before = metrics.Columns.Contains(Original), reference = metrics.Columns.Contains(Retrain);
        string[] remarks =
        [
            "D_f and D_r: training images to forget and to keep; D_ft and D_rt: test images of what is forgotten and of the rest. HM, HM_t: harmonic means of 100 - forgotten and kept.",
            "KR (knowledge retention): what a new linear head finds when it is trained on these features. KR-strong trains it to the end, as an attacker would; KR-official is the paper's, which stops long before, so that it has no verdict. "
            + "MIA: membership inference attack, who was in training. ZRF near 1: on D_f it answers like a network that knows nothing.",
            .. before ? (string[])[reference
                ? "Verdict: beside Retrain, a model that was trained without what is to be forgotten, by more than chance explains. Worse, of what is to be forgotten: knowledge is left; over-erased: less is left than Retrain has, which is no better."
                : "Without a Retrain reference (--retrain FILE) answers on what is to be forgotten are judged beside 0, those on the rest beside the model before; nothing else can be judged."] : [],
            .. metrics.Rows.Any(row => row.Intervals.ContainsKey(column)) ? (string[])["95 %: confidence interval over images (JSON: intervals)."] : [],
        ];
        return new Section(
            $"What is left{mode}",
            new TextTable(
                ["metric", .. Headings(before, reference)],
                [.. metrics.Rows.Where(row => Key.Contains((row.Metric, row.Name))).Select(row => (IReadOnlyList<string>)[$"{row.Metric} {row.Name}{(row.Unit.Length > 0 ? $", {row.Unit}" : "")}", .. Values(row, column, before, reference, brief: true)])]),
            remarks);
    }

    private static Section Whole(MetricsResult metrics, string column, string mode)
    {
        bool before = metrics.Columns.Contains(Original), reference = metrics.Columns.Contains(Retrain);
        return new Section(
            $"All metrics{mode}",
            new TextTable(
                ["metric", "of", " images", .. Headings(before, reference)],
                [.. metrics.Rows.Select(row => (IReadOnlyList<string>)
                    [row.Unit.Length > 0 ? $"{row.Metric} {row.Unit}" : row.Metric, row.Name, Numbers.Count(row.Count), .. Values(row, column, before, reference, brief: false)])]),
            [.. Definitions(metrics)])
        {
            IsDetail = true,
        };
    }

    private static string[] Headings(bool before, bool reference) =>
        [.. before ? (string[])[" before", " after"] : [" value"], " 95 %", .. reference ? (string[])[" Retrain"] : [], .. before ? (string[])["verdict"] : []];

    private static string[] Values(MetricRow row, string column, bool before, bool reference, bool brief) =>
    [
        .. before ? (string[])[Value(row, Original)] : [], Value(row, column), Interval(row, column),
        .. reference ? (string[])[Value(row, Retrain)] : [], .. before ? (string[])[Verdict(row, column, brief)] : [],
    ];

    private static string Verdict(MetricRow row, string column, bool brief) =>
        row.Verdicts?.GetValueOrDefault(column) is { } verdict ? (brief ? verdict.Short() : verdict.Words()) : row.Remarks.GetValueOrDefault(column, "");

    private static string Value(MetricRow row, string column)
    {
        var value = row.Values.GetValueOrDefault(column, double.NaN);
        return row.Unit == "%" ? Numbers.Fixed(value) : Numbers.Short(value);
    }

    private static string Interval(MetricRow row, string column)
    {
        if (!row.Intervals.TryGetValue(column, out var interval))
            return "";
        Func<double?, string> text = row.Unit == "%" ? value => Numbers.Tenths(value) : Numbers.Short;
        return $"{text(interval[0])}-{text(interval[1])}";
    }

    // A metric's numbers share one definition up to its last clause, which says over which images.
    private static IEnumerable<string> Definitions(MetricsResult metrics) => metrics.Rows
        .Select(row => (row.Metric, Text: row.Definition.LastIndexOf(';') is > 0 and var end ? row.Definition[..end] : row.Definition))
        .Distinct()
        .Select(d => $"{d.Metric}: {d.Text}");
}
