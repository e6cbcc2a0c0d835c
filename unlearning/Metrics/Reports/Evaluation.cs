namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>Every metric of one model. Measure the Original once, and put any number of erased models beside it.</summary>
public sealed class Evaluation
{
    internal Evaluation(EvaluationOptions options, Measurements measurements) => (Options, Measurements) = (options, measurements);

    /// <summary>How it was measured.</summary>
    public EvaluationOptions Options { get; }

    /// <summary>What each metric found.</summary>
    public Measurements Measurements { get; }

    /// <summary>What was measured: features and logits of every image.</summary>
    public EvaluationData Data => Measurements.Data;

    /// <summary>The accuracies of the model itself; null if no logits were given.</summary>
    public ForgetAccuracies? Accuracies => Measurements.Get<ForgetAccuracies>(AccuracyMetric.Title);
}
