using EscNative.Engine;

namespace EscNative.Models;

/// <summary>Hands the batches of one pass to its consumers, each in the memory in which it takes them.</summary>
internal ref struct FeatureDelivery
{
    private readonly ReadOnlySpan<IFeatureConsumer> _consumers;
    private readonly Classifier _model;
    private readonly StageRecorder? _recorder;
    private readonly IProgress<int>? _progress;
    private float[] _features = [];
    private float[] _logits = [];

    public FeatureDelivery(ReadOnlySpan<IFeatureConsumer> consumers, Classifier model, StageRecorder? recorder, IProgress<int>? progress)
    {
        (_model, _recorder, _progress) = (model, recorder, progress);
        _consumers = consumers.IsEmpty ? throw new UsageException("feature pass: got no consumer, wants at least one") : consumers;
        foreach (var consumer in consumers)
        {
            TakesTensors |= consumer.TakesTensors;
            TakesLogits |= consumer.TakesLogits;
        }
    }

    /// <summary>Images that were delivered.</summary>
    public int Done { get; private set; }

    /// <summary>Whether a consumer takes tensors.</summary>
    public bool TakesTensors { get; }

    /// <summary>Whether a consumer takes class scores.</summary>
    public bool TakesLogits { get; }

    /// <summary>Where the features of the next images go on the host: where the first consumer with memory of its own wants them, or memory that
    /// all batches share.</summary>
    public Span<float> FeatureSpan(int count)
    {
        foreach (var consumer in _consumers)
        {
            if (!consumer.TakesTensors && consumer.FeatureSpan(count) is { IsEmpty: false } own)
                return own;
        }

        // The first batch is the largest.
        if (_features.Length == 0)
            _features = GC.AllocateUninitializedArray<float>(count * _model.FeatureWidth);
        return _features.AsSpan(0, count * _model.FeatureWidth);
    }

    /// <summary>The same of the class scores; empty where nobody takes them.</summary>
    public Span<float> LogitSpan(int count)
    {
        if (!TakesLogits)
            return default;
        foreach (var consumer in _consumers)
        {
            if (!consumer.TakesTensors && consumer.LogitSpan(count) is { IsEmpty: false } own)
                return own;
        }

        if (_logits.Length == 0)
            _logits = GC.AllocateUninitializedArray<float>(count * _model.Classes);
        return _logits.AsSpan(0, count * _model.Classes);
    }

    /// <summary>Delivers what lies on the host.</summary>
    /// <param name="indices">The images.</param>
    /// <param name="features">[count, d] in <see cref="FeatureSpan"/>.</param>
    /// <param name="logits">[count, classes] in <see cref="LogitSpan"/>, or empty.</param>
    public void Deliver(ReadOnlySpan<int> indices, Span<float> features, Span<float> logits)
    {
        foreach (var consumer in _consumers)
            Add(consumer, indices, features, logits);
        Advance(indices.Length);
    }

    /// <summary>Delivers what lies on the model's device; it is copied to the host once where a consumer is there.</summary>
    /// <param name="indices">The images.</param>
    /// <param name="features">[count, d]</param>
    /// <param name="logits">[count, classes], or null.</param>
    public void Deliver(ReadOnlySpan<int> indices, Tensor features, Tensor? logits)
    {
        Span<float> rows = default, scores = default;
        foreach (var consumer in _consumers)
        {
            if (consumer.TakesTensors)
            {
                using (Stage(consumer.Stage))
                    consumer.Add(new FeatureBatch { Indices = indices, First = Done, FeatureTensor = features, LogitTensor = consumer.TakesLogits ? logits : null });
                continue;
            }

            if (rows.IsEmpty)
            {
                rows = FeatureSpan(indices.Length);
                scores = LogitSpan(indices.Length);
                using (Stage("forward"))
                {
                    features.CopyTo(rows);
                    logits?.CopyTo(scores);
                }
            }

            Add(consumer, indices, rows, scores);
        }

        Advance(indices.Length);
    }

    private readonly void Add(IFeatureConsumer consumer, ReadOnlySpan<int> indices, Span<float> features, Span<float> logits)
    {
        CopyTo(consumer.FeatureSpan(indices.Length), features);
        if (consumer.TakesLogits)
            CopyTo(consumer.LogitSpan(indices.Length), logits);
        using (Stage(consumer.Stage))
            consumer.Add(new FeatureBatch { Indices = indices, First = Done, Features = features, Logits = consumer.TakesLogits ? logits : default });
    }

    // A second consumer that keeps rows has a copy of them.
    private static void CopyTo(Span<float> target, Span<float> values)
    {
        if (!target.IsEmpty && target != values)
            values.CopyTo(target);
    }

    private void Advance(int count)
    {
        Done += count;
        _progress?.Report(Done);
    }

    private readonly StageRecorder.Running Stage(string? name) => name is null ? default : StageRecorder.Begin(_recorder, name);
}
