namespace EscNative.Unlearning.Metrics;

/// <summary>A column where methods are compared, a method a line.</summary>
/// <param name="Table">In which of the two tables.</param>
/// <param name="Place">Columns stand by rising place.</param>
/// <param name="Heading">Its heading: "strong D_f".</param>
/// <param name="Metric">The metric of the row that it shows: <see cref="MetricResult.Metric"/>.</param>
/// <param name="Name">The name of that row: <see cref="MetricResult.Name"/>.</param>
public sealed record MetricColumn(ComparisonTable Table, int Place, string Heading, string Metric, string Name);

/// <summary>The tables of a comparison of methods.</summary>
public enum ComparisonTable
{
    /// <summary>How right the model itself is.</summary>
    Model,

    /// <summary>What survives in its features, and who was a member.</summary>
    Knowledge,
}
