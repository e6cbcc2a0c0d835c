using EscNative.Engine.Plans;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Features;

/// <summary>Receives the features of some images.</summary>
/// <param name="rows">[n, d].</param>
/// <param name="labels">[n].</param>
internal delegate void FeatureBlock(ReadOnlySpan<float> rows, ReadOnlySpan<int> labels);

/// <summary>Passes over image sets in evaluation mode that hand the features on as they come, in blocks of one size.</summary>
/// <remarks>The model is compiled once, at the first pass. On a GPU the features come back to the host, as all of what these methods
/// do with them is small.</remarks>
/// <param name="context">The model.</param>
/// <param name="total">Images of all passes, for the progress.</param>
/// <param name="progress">Told how many images are done, or null.</param>
/// <param name="cancel">Cancels between blocks.</param>
internal sealed class FeatureReader(UnlearningContext context, long total, IProgress<StageProgress>? progress, CancellationToken cancel) : IDisposable
{
    private const int BlockRows = SubspaceAccumulator.BlockRows;

    private CompiledExtractor? _extractor;
    private long _done;

    /// <summary>One pass.</summary>
    /// <param name="images">The images, in their order.</param>
    /// <param name="block">Receives their features.</param>
    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Read(ImageSet images, FeatureBlock block)
    {
        var extractor = Compile(images);
        var width = context.Model.FeatureWidth;
        var rows = new float[Math.Min(BlockRows, images.Count) * width];
        var labels = images.Labels();
        for (var at = 0; at < images.Count;)
        {
            cancel.ThrowIfCancellationRequested();
            var count = Math.Min(BlockRows, images.Count - at);
            var features = rows.AsSpan(0, count * width);
            using (context.Stage("forward"))
                extractor.Run(images, at, count, features);
            FeatureCheck.Finite(features, width, at);
            using (context.Stage("statistics"))
                block(features, labels.AsSpan(at, count));
            at += count;
            _done += count;
            progress?.Report(new StageProgress("forward", _done, total));
        }
    }

    public void Dispose() => _extractor?.Dispose();

    private CompiledExtractor Compile(ImageSet images)
    {
        if (_extractor is null)
        {
            using (context.Stage("compile"))
            {
                _extractor = CompiledExtractor.Compile(
                    context.Model, images.Height, images.Width, new PlanOptions { ImagesPerRun = Math.Min(BlockRows, images.Count) });
            }
        }

        return _extractor;
    }
}
