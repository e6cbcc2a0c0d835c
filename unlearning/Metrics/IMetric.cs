namespace EscNative.Unlearning.Metrics;

/// <summary>One metric: what it needs, what it measures of a model, and the rows that it gives to a report.</summary>
/// <remarks>
/// An instance has its options; it is used for every model of a report, so that their values can be compared. A row says what the number
/// is, with its source, which value is ideal and which way is better (<see cref="MetricResult"/>); <see cref="RowGroup"/> makes rows.
/// </remarks>
public interface IMetric
{
    /// <summary>The name, which no other metric has: "KR-strong".</summary>
    string Name { get; }

    /// <summary>What it needs. Where that is not to be had, it is left out.</summary>
    MetricNeeds Needs { get; }

    /// <summary>About the time that <see cref="Measure"/> takes beside other metrics', for progress; 0 for what is done at once.</summary>
    double Cost => 0;

    /// <summary>Its columns where methods are compared.</summary>
    IReadOnlyList<MetricColumn> Columns => [];

    /// <summary>Measures one model by itself.</summary>
    /// <param name="context">What was gathered, as <see cref="Needs"/> asks for it.</param>
    /// <returns>What <see cref="Rows"/> finds again by <see cref="Measurements.Get"/>; null if there is nothing to measure, or models
    /// are only compared with each other.</returns>
    object? Measure(MetricContext context) => null;

    /// <summary>The rows of a report: one number each.</summary>
    /// <param name="models">What was measured of each model.</param>
    IEnumerable<MetricResult> Rows(MetricComparison models);
}

/// <summary>What a metric needs beside the features, labels and marks of every image, which all have.</summary>
[Flags]
public enum MetricNeeds
{
    /// <summary>No more than the features (<see cref="EvaluationData"/>).</summary>
    Features = 0,

    /// <summary>The model's own output.</summary>
    Logits = 1,

    /// <summary>The cross-entropy of D_f and of rows that no training saw: <see cref="EvaluationData.ForgetLosses"/>.</summary>
    Losses = 2,

    /// <summary>The model itself, and the images cut along the request.</summary>
    Images = 4,

    /// <summary>The Original, another model than the one that is measured.</summary>
    Original = 8,

    /// <summary>A model that was trained without the forgotten data.</summary>
    Retrain = 16,
}
