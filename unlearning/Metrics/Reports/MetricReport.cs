using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Every metric of an erased model beside the Original's and, where there is one, Retrain's.</summary>
public sealed class MetricReport
{
    private MetricReport(IReadOnlyList<MetricResult> rows) => Rows = rows;

    /// <summary>The rows, one number each, grouped by metric.</summary>
    public IReadOnlyList<MetricResult> Rows { get; }

    /// <summary>One number by its metric and name ("KR-strong", "D_f"); null if it is not in the report.</summary>
    public MetricResult? Find(string metric, string name) => Rows.FirstOrDefault(r => r.Metric == metric && r.Name == name);

    /// <summary>Puts evaluations of the same rows under the same options beside each other.</summary>
    /// <param name="original">The model before erasure.</param>
    /// <param name="erased">The model after it.</param>
    /// <param name="retrain">A model that was trained without the forgotten data.</param>
    /// <exception cref="EscException">BadInput: other rows, labels, request or options.</exception>
    public static MetricReport Compare(Evaluation original, Evaluation erased, Evaluation? retrain = null)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(erased);
        CheckComparable(original, erased, "erased");
        if (retrain is not null)
            CheckComparable(original, retrain, "Retrain");
        var models = new MetricComparison(original.Measurements, erased.Measurements, retrain?.Measurements);
        return new MetricReport([.. MetricRegistry.Chosen(erased.Options).Where(CanCompare).SelectMany(m => m.Rows(models))]);

        // A model that is measured alone has no Original beside it.
        bool CanCompare(IMetric metric) =>
            (retrain is not null || !metric.Needs.HasFlag(MetricNeeds.Retrain)) &&
            (!ReferenceEquals(original, erased) || !metric.Needs.HasFlag(MetricNeeds.Original));
    }

    private static void CheckComparable(Evaluation original, Evaluation other, string name)
    {
        if (!original.Data.SameRowsAs(other.Data))
            throw Guard.Bad($"metric report: the Original and {name} have other rows, labels or forgotten rows; wants the same of both");
        var (own, others) = (original.Options, other.Options);
        // Lists are compared by what they hold.
        if (own with { Also = others.Also } != others || !own.Also.SequenceEqual(others.Also))
            throw Guard.Bad($"metric report: the Original and {name} were measured under other options; wants the same for both");
    }
}
