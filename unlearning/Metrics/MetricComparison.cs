namespace EscNative.Unlearning.Metrics;

/// <summary>The models of a report: the same rows, measured by the same metrics.</summary>
public sealed class MetricComparison
{
    private readonly Dictionary<object, object> _shared = [];

    internal MetricComparison(Measurements original, Measurements erased, Measurements? retrain) =>
        (Original, Erased, Retrain) = (original, erased, retrain);

    /// <summary>The model before erasure; the same object as <see cref="Erased"/> where a model is measured alone.</summary>
    public Measurements Original { get; }

    /// <summary>The model that the report is about.</summary>
    public Measurements Erased { get; }

    /// <summary>A model trained without the forgotten data, if there is one.</summary>
    public Measurements? Retrain { get; }

    /// <summary>The labels and the request, which are the same for all, and the features of <see cref="Erased"/>.</summary>
    public EvaluationData Data => Erased.Data;

    /// <summary>Computes what several metrics of a report need once.</summary>
    /// <param name="key">What it is, and of which models: equal keys mean the same value.</param>
    /// <param name="compute">Computes it.</param>
    public T Once<T>(object key, Func<T> compute)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(compute);
        if (!_shared.TryGetValue(key, out var value))
            _shared[key] = value = compute();
        return (T)value;
    }
}
