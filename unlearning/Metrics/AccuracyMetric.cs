namespace EscNative.Unlearning.Metrics;

/// <summary>The accuracies of the model itself (ESC, section 4.1).</summary>
public sealed class AccuracyMetric : IMetric
{
    /// <summary>The name.</summary>
    public const string Title = "accuracy";

    /// <inheritdoc/>
    public string Name => Title;

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Logits;

    /// <inheritdoc/>
    public IReadOnlyList<MetricColumn> Columns { get; } =
        [.. ((string[])["D_f", "D_r", "D_ft", "D_rt", "HM", "HM_t"]).Select((name, i) => new MetricColumn(ComparisonTable.Model, i, name, Title, name))];

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Data.Accuracies;
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Erased.Get<ForgetAccuracies>(Name) is null)
            return [];
        return new RowGroup(models, Name, "top-1 accuracy of the model itself (ESC, section 4.1)")
            .Accuracies(e => e.Get<ForgetAccuracies>(Name), models.Data.ForgetsWholeClasses);
    }
}
