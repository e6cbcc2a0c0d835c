namespace EscNative.Bench.Reports;

/// <summary>Metrics of one or several models, side by side.</summary>
/// <param name="Columns">The models: <c>original</c>, <c>paper</c>, <c>official</c>, or <c>model</c>.</param>
/// <param name="Rows">The metrics.</param>
internal sealed record MetricsResult(IReadOnlyList<string> Columns, IReadOnlyList<MetricRow> Rows);

/// <summary>One metric with everything that is needed to read it.</summary>
/// <param name="Metric">The metric, such as KR-strong.</param>
/// <param name="Name">Which of its numbers, such as D_f.</param>
/// <param name="Unit">%, s, or empty.</param>
/// <param name="Direction">Which way is better.</param>
/// <param name="Ideal">The value to aim at, in words.</param>
/// <param name="Definition">How it is computed.</param>
/// <param name="Count">How many images it is over.</param>
/// <param name="Values">A value per column; NaN (null in JSON) where it is not defined.</param>
/// <param name="Intervals">The 95 % confidence interval [low, high] of a column's value; for columns that have one.</param>
/// <param name="Remarks">What the value of a column says, and how it came about; for columns where there is something to say.</param>
/// <param name="Verdicts">What the value of a column says beside its reference; for columns that are judged.</param>
internal sealed record MetricRow(
    string Metric,
    string Name,
    string Unit,
    string Direction,
    string Ideal,
    string Definition,
    int Count,
    IReadOnlyDictionary<string, double> Values,
    IReadOnlyDictionary<string, IReadOnlyList<double>> Intervals,
    IReadOnlyDictionary<string, string> Remarks,
    IReadOnlyDictionary<string, VerdictResult>? Verdicts = null);
