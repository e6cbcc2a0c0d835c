using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Layers;

/// <summary>The second moments of what every convolution and linear layer of a model is given for some images, in evaluation mode.</summary>
internal static class LayerActivations
{
    private const int BatchSize = 64;

    /// <summary>One pass over the images.</summary>
    /// <param name="model">The model; its mode is as before afterwards.</param>
    /// <param name="images">The images.</param>
    /// <param name="most">Rows a layer: of more windows than that, as many are drawn, each equally likely.</param>
    /// <param name="random">Draws them.</param>
    /// <param name="onImages">Told how many images are done, or null.</param>
    /// <param name="cancel">Cancels between batches.</param>
    /// <returns>For each layer the Gram matrix of its rows, [size, size] in float64, with their number.</returns>
    public static Dictionary<Module, SubspaceAccumulator> Gather(
        Classifier model, ImageSet images, int most, RandomSource random, Action<int>? onImages, CancellationToken cancel)
    {
        var layers = new Dictionary<Module, Layer>();
        var loader = new BatchLoader(images, model.Description.Normalisation, new BatchOptions { BatchSize = BatchSize, Device = model.Device });
        var training = model.Training;
        model.Training = false;
        var first = 0;
        try
        {
            using var noGrad = Tensor.NoGrad();
            using var inputs = LayerInputScope.Begin((module, input) =>
            {
                if (module is not (Conv2d or Linear))
                    return;
                if (!layers.TryGetValue(module, out var layer))
                    layers.Add(module, layer = new Layer(PatchShape.Of(module, input.Shape), images.Count, most, random));
                layer.Add(input, first);
            });
            foreach (var batch in loader.Epoch())
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = Tensor.Scope();
                model.Forward(batch.Images);
                first += batch.Count;
                onImages?.Invoke(first);
            }
        }
        finally
        {
            model.Training = training;
        }

        return layers.ToDictionary(l => l.Key, l => l.Value.Moments);
    }

    private sealed class Layer
    {
        private readonly PatchShape _shape;
        // Chosen windows, counted through all images, ascending.
        private readonly int[] _chosen;
        private int _next;

        public Layer(PatchShape shape, int images, int most, RandomSource random)
        {
            _shape = shape;
            Moments = new SubspaceAccumulator(shape.Size);
            var total = checked(images * shape.PerImage);
            _chosen = total <= most ? [.. Enumerable.Range(0, total)] : random.Permutation(total)[..most];
            Array.Sort(_chosen);
        }

        public SubspaceAccumulator Moments { get; }

        public void Add(Tensor input, int firstImage)
        {
            var values = input.ToArray();
            var images = input.Shape[0];
            var imageSize = values.Length / images;
            var end = _next;
            while (end < _chosen.Length && _chosen[end] < (firstImage + images) * _shape.PerImage)
                end++;
            var rows = new float[(end - _next) * _shape.Size];
            for (var i = _next; i < end; i++)
            {
                var window = _chosen[i] - (firstImage * _shape.PerImage);
                _shape.Copy(
                    values.AsSpan(window / _shape.PerImage * imageSize, imageSize), window % _shape.PerImage, rows.AsSpan((i - _next) * _shape.Size, _shape.Size));
            }

            Moments.Add(rows, end - _next);
            _next = end;
        }
    }
}
