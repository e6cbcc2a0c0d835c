namespace EscNative.Unlearning.Metrics;

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
