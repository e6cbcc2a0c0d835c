using EscNative.Engine;
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

    /// <summary>Runs the model over a set, in the set's order.</summary>
    /// <param name="model">The model; its mode is as before afterwards.</param>
    /// <param name="images">The images.</param>
    /// <param name="batchSize">Images a pass; the result does not depend on it.</param>
    /// <param name="progress">Told how many images are done, or null.</param>
    /// <param name="cancel">Cancels between batches.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static FeatureBank Extract(
        Classifier model, ImageSet images, int batchSize = 128, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        var (d, classes) = (model.FeatureWidth, model.Classes);
        var features = new float[(long)images.Count * d];
        var logits = new float[(long)images.Count * classes];
        var training = model.Training;
        model.Training = false;
        try
        {
            using var noGrad = Tensor.NoGrad();
            var loader = new BatchLoader(
                images, model.Description.Normalisation, new BatchOptions { BatchSize = batchSize, Device = model.Device });
            var at = 0;
            foreach (var batch in loader.Epoch())
            {
                cancel.ThrowIfCancellationRequested();
                using (Tensor.Scope())
                {
                    var z = model.Features(batch.Images);
                    z.CopyTo(features.AsSpan(at * d, batch.Count * d));
                    model.Head.Forward(z).CopyTo(logits.AsSpan(at * classes, batch.Count * classes));
                    at += batch.Count;
                }

                progress?.Report(at);
            }
        }
        finally
        {
            model.Training = training;
        }

        return new FeatureBank(d, classes, features, logits, images.Labels());
    }
}
