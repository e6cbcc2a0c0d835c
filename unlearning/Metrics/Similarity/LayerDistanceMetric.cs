using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>
/// Activation distance layer by layer: how far what each layer of the extractor gives is from what Retrain's gives, over D_f; the mean of
/// |a - r| / |r| (Euclidean). It shows where in a network the forgotten images are still seen as before.
/// </summary>
/// <remarks>
/// After the activation distance of Golatkar et al. (2021), which compares outputs alone. What a layer gives is what the next convolution,
/// pooling or linear layer takes: after normalisation, activation and, before the head, the erasure.
/// </remarks>
/// <param name="seed">Seed of the draw of images, where D_f is too large.</param>
public sealed class LayerDistanceMetric(ulong seed) : IMetric
{
    // As many images as give so many activations, 32 MB a model; the activations of all layers are hundreds of times an image.
    private const int MostValues = 1 << 23;
    private const int MostImages = 256;
    private const int BatchSize = 16;

    /// <inheritdoc/>
    public string Name => "activation distance by layer";

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Retrain;

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var forget = context.Split.Forget;
        if (forget.Count == 0)
            return null;
        var order = new RandomSource(seed, MetricStreams.LayerDistanceImages).Permutation(forget.Count);
        // One image tells how large the layers are.
        var one = Gather(context.Model, forget.Subset(order.AsSpan(0, 1), forget.Name), context.Cancel);
        var size = one.Layers.Sum(l => (long)l.Values.Count);
        // An extractor of the user's may show no layer.
        if (size == 0)
            return null;
        var count = (int)Math.Clamp(MostValues / size, 1, Math.Min(MostImages, forget.Count));
        return Gather(context.Model, forget.Subset(order.AsSpan(0, count), forget.Name), context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Erased.Get<Activations>(Name) is not { } own || models.Retrain?.Get<Activations>(Name) is not { } retrain)
            yield break;
        var all = models.Data.Train.ForgottenRows;
        var drawn = own.Images < all;
        var group = new RowGroup(
            models, Name, "mean relative Euclidean distance of a layer's activations from Retrain's (after Golatkar et al., 2021)", drawn ? seed : null,
            drawn ? $"{own.Images} of {all} rows, drawn" : "");
        for (var i = 0; i < own.Layers.Count; i++)
        {
            var layer = i;
            var mean = Distance(own, retrain, layer);
            var row = group.Row(
                $"D_f, into {own.Layers[layer].Name}", "training rows that the request names", own.Images,
                e => e.Get<Activations>(Name) is { } found ? Distance(found, retrain, layer)?.Mean : null);
            yield return row with
            {
                Unit = "",
                Ideal = "0",
                Direction = MetricDirection.Lower,
                Interval = mean?.Interval,
                IntervalBasis = mean is null ? "none: no value" : mean.Interval is null ? "none: fewer than two rows" : RowGroup.NormalMean,
                Notes = mean is null ? "n/a: Retrain has other layers" : row.Notes,
            };
        }
    }

    private static MeanValue? Distance(Activations found, Activations retrain, int layer)
    {
        if (layer >= Math.Min(found.Layers.Count, retrain.Layers.Count) || found.Images != retrain.Images ||
            found.Layers[layer].Name != retrain.Layers[layer].Name || found.Layers[layer].Values.Count != retrain.Layers[layer].Values.Count)
        {
            return null;
        }

        var (a, r) = (found.Layers[layer].Values, retrain.Layers[layer].Values);
        var (size, distances) = (a.Count / found.Images, new double[found.Images]);
        for (var image = 0; image < found.Images; image++)
        {
            double difference = 0, norm = 0;
            for (var i = image * size; i < (image + 1) * size; i++)
            {
                difference += ((double)a[i] - r[i]) * ((double)a[i] - r[i]);
                norm += (double)r[i] * r[i];
            }

            // Nothing beside nothing is no distance; something beside nothing is as far as the whole of it.
            distances[image] = norm > 0 ? Math.Sqrt(difference / norm) : difference > 0 ? 1 : 0;
        }

        return MeanValue.Of(distances);
    }

    private static Activations Gather(Classifier model, ImageSet images, CancellationToken cancel)
    {
        var names = model.NamedModules.DistinctBy(m => m.Module).ToDictionary(m => m.Module, m => m.Name);
        var (layers, places) = (new List<Layer>(), new Dictionary<Module, int>());
        var seen = new HashSet<Module>();
        var (training, first) = (model.Training, default(Tensor));
        model.Training = false;
        try
        {
            using var noGrad = Tensor.NoGrad();
            using var inputs = LayerInputScope.Begin((module, input) =>
            {
                // What takes the images themselves shows no layer, nor does a module that the network does not name.
                if (ReferenceEquals(input, first) || !names.TryGetValue(module, out var name) || !seen.Add(module))
                    return;
                if (!places.TryGetValue(module, out var place))
                {
                    places.Add(module, place = layers.Count);
                    layers.Add(new Layer(name, []));
                }

                layers[place].Values.AddRange(input.ToArray());
            });
            var loader = new BatchLoader(images, model.Description.Normalisation, new BatchOptions { BatchSize = BatchSize, Device = model.Device });
            foreach (var batch in loader.Epoch())
            {
                cancel.ThrowIfCancellationRequested();
                using var scope = Tensor.Scope();
                seen.Clear();
                first = batch.Images;
                model.Forward(first);
            }
        }
        finally
        {
            model.Training = training;
        }

        return new Activations(images.Count, layers);
    }

    /// <param name="Name">The layer that takes them.</param>
    /// <param name="Values">[images, size].</param>
    private sealed record Layer(string Name, List<float> Values);

    private sealed record Activations(int Images, IReadOnlyList<Layer> Layers);
}
