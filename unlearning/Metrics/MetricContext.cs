using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Metrics;

/// <summary>What a metric may look at when it measures one model.</summary>
public sealed class MetricContext
{
    private readonly Classifier? _model;
    private readonly ForgetSplit? _split;

    internal MetricContext(EvaluationData data, Classifier? model, ForgetSplit? split, IProgress<double>? progress, CancellationToken cancel)
    {
        (Data, _model, _split, Progress, Cancel) = (data, model, split, progress, cancel);
    }

    /// <summary>Features, labels and, if they were given, logits of every image.</summary>
    public EvaluationData Data { get; }

    /// <summary>The model; a metric leaves it as it is, its mode too.</summary>
    /// <exception cref="InvalidOperationException">The metric does not name <see cref="MetricNeeds.Images"/>.</exception>
    public Classifier Model => _model ?? throw Unasked();

    /// <summary>The images, cut along the request.</summary>
    /// <exception cref="InvalidOperationException">The metric does not name <see cref="MetricNeeds.Images"/>.</exception>
    public ForgetSplit Split => _split ?? throw Unasked();

    /// <summary>Told the share of the metric's work that is done, 0 to 1; null where nobody listens.</summary>
    public IProgress<double>? Progress { get; }

    /// <summary>Cancels.</summary>
    public CancellationToken Cancel { get; }

    private static InvalidOperationException Unasked() =>
        new($"a metric takes the model and its images without {nameof(MetricNeeds)}.{nameof(MetricNeeds.Images)} in its needs: add that");
}
