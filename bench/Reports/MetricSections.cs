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
        ("KR-strong", "D_f"), ("KR-strong", "D_ft"), ("KR-strong", "D_rt"), ("KR-official", "D_f"), ("MIA", "accuracy"), ("member share", "entropy, logistic regression"), ("ZRF", "D_f"),
    ];

    /// <summary>A section for each erased model, the first one's the most important.</summary>
    public static IEnumerable<Section> Of(MetricsResult metrics)
    {
        var erased = metrics.Columns.Where(column => column is not (Original or Retrain)).ToArray();
        for (var i = 0; i < erased.Length; i++)
            yield return Of(metrics, erased[i], erased.Length > 1) with { IsDetail = i > 0 };
    }

    private static Section Of(MetricsResult metrics, string column, bool several)
    {
        bool before = metrics.Columns.Contains(Original), reference = metrics.Columns.Contains(Retrain);
        string[] definitions = [.. Definitions(metrics)];
        string[] remarks =
        [
            "D_f and D_r: training images to forget and to keep; D_ft and D_rt: test images of what is forgotten and of the rest. HM, HM_t: harmonic means of 100 - forgotten and kept.",
            "KR (knowledge retention): what a new linear head finds when it is trained on these features. KR-strong trains it to the end, as an attacker would; KR-official is the paper's, which stops long before, so that it has no verdict.",
            .. before ? (string[])[reference
                ? "Verdict: beside Retrain, a model that was trained without what is to be forgotten. Within chance: as Retrain. Above: knowledge is left; below: over-erased, which is no better. The rest: better or worse than Retrain."
                : "No Retrain reference: accuracies of what is to be forgotten are judged beside 0, those of the rest beside the model before; for other metrics only Retrain's value would tell. Give --retrain FILE."] : [],
            .. metrics.Rows.Any(row => row.Intervals.ContainsKey(column)) ? (string[])["95 %: confidence interval over images (JSON: intervals)."] : [],
            .. definitions,
        ];
        return new Section(
            several ? $"What is left, {column} mode" : "What is left",
            new TextTable(
                ["metric", "of", " images", .. before ? (string[])[" before", " after"] : [" value"], " 95 %", .. reference ? (string[])[" Retrain"] : [], .. before ? (string[])["verdict"] : []],
                [.. metrics.Rows.Select(row => Row(row, column, before, reference))])
            {
                KeyRows = metrics.Rows.Select((row, i) => (row, i)).Where(r => Key.Contains((r.row.Metric, r.row.Name))).Select(r => r.i).ToHashSet(),
            },
            remarks)
        {
            DetailRemarks = Enumerable.Range(remarks.Length - definitions.Length, definitions.Length).ToHashSet(),
        };
    }

    private static IReadOnlyList<string> Row(MetricRow row, string column, bool before, bool reference) =>
    [
        row.Unit.Length > 0 ? $"{row.Metric} {row.Unit}" : row.Metric, row.Name, Numbers.Count(row.Count),
        .. before ? (string[])[Value(row, Original)] : [], Value(row, column), Interval(row, column),
        .. reference ? (string[])[Value(row, Retrain)] : [], .. before ? (string[])[row.Verdicts?.GetValueOrDefault(column)?.Words() ?? row.Remarks.GetValueOrDefault(column, "")] : [],
    ];

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
