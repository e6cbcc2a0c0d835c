using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Reports;

/// <summary>Grad-CAM in closed form (paper, figure 6): which pixels a class's score comes from.</summary>
/// <remarks>
/// Behind the last convolution A, [h, w, k], stand global average pooling, the erasure P and a linear head W. The gradient of class c's
/// score with respect to A is then (W P)_(c,k) / (h w) at every pixel, so that the map is ReLU(sum_k (W P)_(c,k) / (h w) A_k):
/// no backward pass. It is enlarged to the image's size (bilinear, pixel centres, as PyTorch without align_corners) and stretched to 0 .. 1 image by image; a map
/// without any difference is 0.
/// </remarks>
public static class GradCam
{
    private const int BatchSize = 64;

    /// <summary>The maps of some images.</summary>
    /// <param name="model">Ends with global average pooling and a linear head; computes in evaluation mode, and is not changed.</param>
    /// <param name="images">n images.</param>
    /// <param name="classes">The class to explain for each image, [n].</param>
    /// <param name="cancel">Cancels between batches.</param>
    /// <returns>[n, height, width] row-major, 0 to 1.</returns>
    /// <exception cref="UsageException">The model has no global average pooling, a class is none of its, or there are not n of them.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static float[] Maps(Classifier model, ImageSet images, ReadOnlySpan<int> classes, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (classes.Length != images.Count)
            throw new UsageException($"grad-cam: got {classes.Length} classes for {images.Count} images, wants one for each");
        foreach (var c in classes)
        {
            if ((uint)c >= (uint)model.Classes)
                throw new UsageException($"grad-cam: got class {c}, the model has 0 to {model.Classes - 1}");
        }

        var weights = Weights(model);
        var size = images.Height * images.Width;
        var maps = new float[(long)images.Count * size];
        var at = 0;
        Shape shape = default;
        float[] activations = [];
        var training = model.Training;
        model.Training = false;
        try
        {
            using var noGrad = Tensor.NoGrad();
            using var inputs = LayerInputScope.Begin((layer, x) =>
            {
                if (layer is GlobalAveragePool2d)
                    (shape, activations) = (x.Shape, x.ToArray());
            });
            var loader = new BatchLoader(images, model.Description.Normalisation, new BatchOptions { BatchSize = BatchSize, Device = model.Device });
            foreach (var batch in loader.Epoch())
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = Tensor.Scope();
                model.Features(batch.Images);
                if (activations.Length == 0)
                    throw new UsageException($"grad-cam: {model.Description.Architecture} has no global average pooling, on which the closed form rests");
                for (var i = 0; i < batch.Count; i++, at++)
                {
                    var map = Map(activations.AsSpan(i * activations.Length / batch.Count, activations.Length / batch.Count), shape, weights, classes[at]);
                    Enlarge(map, shape[1], shape[2], maps.AsSpan(at * size, size), images.Height, images.Width);
                    Stretch(maps.AsSpan(at * size, size));
                }
            }
        }
        finally
        {
            model.Training = training;
        }

        return maps;
    }

    // W P, [classes, k]
    private static double[] Weights(Classifier model)
    {
        var weight = Array.ConvertAll(model.Head.Weight.Value.ToArray(), v => (double)v);
        return model.Erasure is null ? weight : model.Erasure.FoldInto(weight, []).Weight;
    }

    /// <summary>ReLU(sum_k w_k A_k) at each pixel, [h, w]: the map before it is enlarged.</summary>
    internal static float[] Map(ReadOnlySpan<float> activations, Shape shape, double[] weights, int c)
    {
        var (pixels, channels) = (shape[1] * shape[2], shape[3]);
        var map = new float[pixels];
        for (var p = 0; p < pixels; p++)
        {
            var sum = 0.0;
            for (var k = 0; k < channels; k++)
                sum += weights[(c * channels) + k] * activations[(p * channels) + k];
            map[p] = (float)Math.Max(sum / pixels, 0);
        }

        return map;
    }

    /// <summary>Bilinear, between pixel centres; the border is repeated.</summary>
    internal static void Enlarge(ReadOnlySpan<float> map, int height, int width, Span<float> result, int toHeight, int toWidth)
    {
        for (var y = 0; y < toHeight; y++)
        {
            var (top, bottom, down) = Neighbours(y, height, toHeight);
            for (var x = 0; x < toWidth; x++)
            {
                var (left, right, along) = Neighbours(x, width, toWidth);
                var upper = Mix(map[(top * width) + left], map[(top * width) + right], along);
                var lower = Mix(map[(bottom * width) + left], map[(bottom * width) + right], along);
                result[(y * toWidth) + x] = (float)Mix(upper, lower, down);
            }
        }
    }

    // The two pixels between whose centres that of pixel `at` of the larger image lies, and how far along.
    private static (int First, int Second, double Share) Neighbours(int at, int from, int to)
    {
        var position = Math.Max((((at + 0.5) * from) / to) - 0.5, 0);
        var first = Math.Min((int)position, from - 1);
        return (first, Math.Min(first + 1, from - 1), position - first);
    }

    private static double Mix(double a, double b, double share) => a + ((b - a) * share);

    private static void Stretch(Span<float> map)
    {
        float smallest = float.MaxValue, largest = float.MinValue;
        foreach (var value in map)
            (smallest, largest) = (Math.Min(smallest, value), Math.Max(largest, value));
        for (var i = 0; i < map.Length; i++)
            map[i] = largest > smallest ? (map[i] - smallest) / (largest - smallest) : 0;
    }
}
