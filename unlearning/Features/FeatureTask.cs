using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Features;

/// <summary>What a feature-level method works with in one run.</summary>
/// <param name="Context">The model and the images.</param>
/// <param name="Parameters">The method's parameters.</param>
/// <param name="Pass">Makes features of images.</param>
/// <param name="Notes">Takes what a reader of the result must know.</param>
/// <param name="Progress">Told how far stages are, or null.</param>
/// <param name="Cancel">Cancels.</param>
internal sealed record FeatureTask(
    UnlearningContext Context, MethodParameters Parameters, FeaturePass Pass, List<string> Notes, IProgress<StageProgress>? Progress, CancellationToken Cancel)
{
    private long _done;

    /// <summary>Images of all passes, for the progress.</summary>
    public required long Images { get; init; }

    /// <summary>d.</summary>
    public int Width => Context.Model.FeatureWidth;

    /// <summary>Whether a parameter that is 0 or 1 is 1.</summary>
    public bool IsOn(string parameter) => Parameters[parameter] != 0;

    /// <summary>The classes of the request, for a method that may see D_r.</summary>
    public ForgottenClasses Classes => new(Context.Forget, Context.Remain);

    /// <summary>A pass over images in their order, which hands their features on in blocks.</summary>
    /// <param name="images">The images.</param>
    /// <param name="block">Receives their features.</param>
    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Read(ImageSet images, FeatureBlock block)
    {
        var progress = Progress is null ? null : new ForwardProgress(Progress, _done, Images);
        Pass.Run(images, [new FeatureBlocks(images, block)], progress: progress, cancel: Cancel);
        _done += images.Count;
    }

    /// <summary>The covariance of all features with concept columns: D_f, then D_r.</summary>
    public CovarianceAccumulator Covariance(ConceptColumns columns)
    {
        var statistics = new CovarianceAccumulator(Width, columns.Count);
        Read(Context.Forget, (rows, labels) => statistics.Add(rows, columns.Of(labels, forgotten: true)));
        Read(Context.Remain, (rows, labels) => statistics.Add(rows, columns.Of(labels, forgotten: false)));
        return statistics;
    }
}
