namespace EscNative.Unlearning.Metrics;

/// <summary>What metrics measured of one model.</summary>
public sealed class Measurements
{
    private readonly Dictionary<string, object> _found = new(StringComparer.Ordinal);

    internal Measurements(EvaluationData data) => Data = data;

    /// <summary>What was measured.</summary>
    public EvaluationData Data { get; }

    /// <summary>What a metric measured (<see cref="IMetric.Measure"/>).</summary>
    /// <typeparam name="T">What that metric gives.</typeparam>
    /// <param name="metric">Its name.</param>
    /// <returns>Null if it measured nothing, or was not asked.</returns>
    /// <exception cref="InvalidCastException">It gives something else.</exception>
    public T? Get<T>(string metric)
        where T : class => (T?)_found.GetValueOrDefault(metric);

    internal void Add(string metric, object? found)
    {
        if (found is not null)
            _found.Add(metric, found);
    }
}
