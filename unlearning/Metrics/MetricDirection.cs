namespace EscNative.Unlearning.Metrics;

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
