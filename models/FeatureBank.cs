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
    /// <param name="progress">Told how many images are done, or null.</param>
    /// <param name="cancel">Cancels between batches.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static FeatureBank Extract(Classifier model, ImageSet images, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        var rows = new Rows(model, images.Count);
        using (var pass = new FeaturePass(model))
            pass.Run(images, [rows], progress: progress, cancel: cancel);
        return new FeatureBank(model.FeatureWidth, model.Classes, rows.Features, rows.Logits, images.Labels());
    }

    private sealed class Rows(Classifier model, int count) : IFeatureConsumer
    {
        private int _done;

        public float[] Features { get; } = new float[(long)count * model.FeatureWidth];

        public float[] Logits { get; } = new float[(long)count * model.Classes];

        public bool TakesLogits => true;

        public Span<float> FeatureSpan(int count) => Features.AsSpan(_done * model.FeatureWidth, count * model.FeatureWidth);

        public Span<float> LogitSpan(int count) => Logits.AsSpan(_done * model.Classes, count * model.Classes);

        // They were written where they belong.
        public void Add(in FeatureBatch batch) => _done += batch.Count;
    }
}
