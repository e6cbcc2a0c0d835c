using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Features;

/// <summary>Receives the features of some images.</summary>
/// <param name="rows">[n, d].</param>
/// <param name="labels">[n].</param>
internal delegate void FeatureBlock(ReadOnlySpan<float> rows, ReadOnlySpan<int> labels);

/// <summary>Hands the features of a pass on with their labels, in host memory: all of what feature-level methods do with them is small.</summary>
/// <param name="images">The images of the pass.</param>
/// <param name="block">Receives their features.</param>
internal sealed class FeatureBlocks(ImageSet images, FeatureBlock block) : IFeatureConsumer
{
    private int[] _labels = [];

    public string? Stage => "statistics";

    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    public void Add(in FeatureBatch batch)
    {
        FeatureCheck.Finite(batch.Features, batch.Features.Length / batch.Count, batch.First);
        if (_labels.Length < batch.Count)
            _labels = new int[batch.Count];
        for (var i = 0; i < batch.Count; i++)
            _labels[i] = images.Label(batch.Indices[i]);
        block(batch.Features, _labels.AsSpan(0, batch.Count));
    }
}
