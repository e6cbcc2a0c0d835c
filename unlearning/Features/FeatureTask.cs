namespace EscNative.Unlearning.Features;

/// <summary>What a feature-level method works with in one run.</summary>
/// <param name="Context">The model and the images.</param>
/// <param name="Parameters">The method's parameters.</param>
/// <param name="Reader">Reads features.</param>
/// <param name="Notes">Takes what a reader of the result must know.</param>
/// <param name="Progress">Told how far stages are, or null.</param>
/// <param name="Cancel">Cancels.</param>
internal sealed record FeatureTask(
    UnlearningContext Context, MethodParameters Parameters, FeatureReader Reader, List<string> Notes, IProgress<StageProgress>? Progress, CancellationToken Cancel)
{
    /// <summary>d.</summary>
    public int Width => Context.Model.FeatureWidth;

    /// <summary>Whether a parameter that is 0 or 1 is 1.</summary>
    public bool IsOn(string parameter) => Parameters[parameter] != 0;

    /// <summary>The classes of the request, for a method that may see D_r.</summary>
    public ForgottenClasses Classes => new(Context.Forget, Context.Remain);

    /// <summary>The covariance of all features with concept columns: D_f, then D_r.</summary>
    public CovarianceAccumulator Covariance(ConceptColumns columns)
    {
        var statistics = new CovarianceAccumulator(Width, columns.Count);
        Reader.Read(Context.Forget, (rows, labels) => statistics.Add(rows, columns.Of(labels, forgotten: true)));
        Reader.Read(Context.Remain, (rows, labels) => statistics.Add(rows, columns.Of(labels, forgotten: false)));
        return statistics;
    }
}
