using EscNative.Engine.Plans;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>The features and class scores of a set of images, from one forward pass in evaluation mode.</summary>
public sealed class FeatureBank
{
    private FeatureBank(int width, int classes, float[] features, float[] logits, int[] labels)
    {
        Width = width;
        Classes = classes;
        Features = features;
        Logits = logits;
        Labels = labels;
    }

    /// <summary>d, the number of features of an image.</summary>
    public int Width { get; }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>The number of images.</summary>
    public int Count => Labels.Length;

    /// <summary>[n, d] row-major; erased if the model is.</summary>
    public float[] Features { get; }

    /// <summary>[n, classes] row-major.</summary>
    public float[] Logits { get; }

    /// <summary>The true classes, [n].</summary>
    public int[] Labels { get; }

    /// <summary>The share of images whose highest score is their class's, in per cent; the first of equal scores counts.</summary>
    public double Accuracy
    {
        get
        {
            var correct = 0;
            for (var i = 0; i < Count; i++)
            {
                var row = Logits.AsSpan(i * Classes, Classes);
                var best = 0;
                for (var c = 1; c < row.Length; c++)
                {
                    if (row[c] > row[best])
                        best = c;
                }

                if (best == Labels[i])
                    correct++;
            }

            return 100.0 * correct / Count;
        }
    }

    /// <summary>Runs the model, compiled for it, over a set, in the set's order.</summary>
    /// <param name="model">The model, which computes as in evaluation mode; not changed.</param>
    /// <param name="images">The images.</param>
    /// <param name="batchSize">Images a call; the result does not depend on it.</param>
    /// <param name="progress">Told how many images are done, or null.</param>
    /// <param name="cancel">Cancels between batches.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static FeatureBank Extract(
        Classifier model, ImageSet images, int batchSize = 512, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        using var extractor = CompiledExtractor.Compile(
            model, images.Height, images.Width, new PlanOptions { ImagesPerRun = Math.Min(batchSize, images.Count) });
        var (d, classes) = (extractor.FeatureWidth, extractor.Classes);
        var features = new float[(long)images.Count * d];
        var logits = new float[(long)images.Count * classes];
        for (var at = 0; at < images.Count;)
        {
            cancel.ThrowIfCancellationRequested();
            var count = Math.Min(batchSize, images.Count - at);
            extractor.Run(images, at, count, features.AsSpan(at * d, count * d), logits.AsSpan(at * classes, count * classes));
            at += count;
            progress?.Report(at);
        }

        return new FeatureBank(d, classes, features, logits, images.Labels());
    }
}
