using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics;

/// <summary>One number of an evaluation, with what it takes to read it.</summary>
public sealed record MetricResult
{
    /// <summary>The metric: "accuracy", "KR-strong".</summary>
    public required string Metric { get; init; }

    /// <summary>Which of its numbers: "D_f", "HM_t", "AUC".</summary>
    public required string Name { get; init; }

    /// <summary>The value; null if there is none, for which <see cref="Notes"/> gives the reason.</summary>
    public required double? Value { get; init; }

    /// <summary>The same of the model before erasure.</summary>
    public required double? Original { get; init; }

    /// <summary>The same of a model trained without the forgotten data, if there is one.</summary>
    public double? Retrain { get; init; }

    /// <summary>The unit: "%", "s" for seconds, or "" for a plain number.</summary>
    public required string Unit { get; init; }

    /// <summary>What it is, in a sentence, with its source.</summary>
    public required string Definition { get; init; }

    /// <summary>The value to hope for, in words.</summary>
    public required string Ideal { get; init; }

    /// <summary>Which value is better.</summary>
    public required MetricDirection Direction { get; init; }

    /// <summary>How many rows the value is over.</summary>
    public required int N { get; init; }

    /// <summary>The 95 % confidence interval of <see cref="Value"/> over images; null if there is none.</summary>
    public Interval? Interval { get; init; }

    /// <summary>What the interval rests on ("Wilson"), or the reason why there is none ("none: ...").</summary>
    public string IntervalBasis { get; init; } = "";

    /// <summary>The seed, where chance plays a part.</summary>
    public ulong? Seed { get; init; }

    /// <summary>What the value says beside its reference.</summary>
    public MetricVerdict Verdict { get; init; }

    /// <summary>How it was measured, where that is a choice: "L-BFGS, L2 1E-6, best of 5".</summary>
    public string Setting { get; init; } = "";

    /// <summary>The verdict in words, or the reason for a missing value or verdict.</summary>
    public string Notes { get; init; } = "";
}

/// <summary>Which value of a metric is the better one.</summary>
public enum MetricDirection
{
    /// <summary>The smaller.</summary>
    Lower,

    /// <summary>The larger.</summary>
    Higher,

    /// <summary>The one nearer to that of a model trained without the forgotten data (Retrain).</summary>
    CloserToRetrain,
}

/// <summary>What a metric of forgetting says beside its reference (Retrain's value; without Retrain, chance).</summary>
public enum MetricVerdict
{
    /// <summary>There is nothing to judge: another kind of metric, a probe far from converged, no value, or no reference.</summary>
    None,

    /// <summary>Within the sampling error of the reference.</summary>
    AsReference,

    /// <summary>Above the reference: knowledge is left.</summary>
    KnowledgeLeft,

    /// <summary>Below the reference: more was destroyed than training without the data would have left out.</summary>
    OverErased,
}
