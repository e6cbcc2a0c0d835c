using EscNative.Models.Data;
using EscNative.Unlearning.Masks;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Methods;

/// <summary>The features of every image and of its mirror image: in evaluation mode that is all that flipping can give.</summary>
internal sealed class FlipPairs : IDisposable
{
    private readonly BatchLoader _draws;
    private readonly FeatureStore _features;
    private readonly int[] _labels;
    private readonly int _count;

    /// <summary>Runs both passes.</summary>
    /// <param name="pass">Makes features of the images.</param>
    /// <param name="labels">Their classes, [n].</param>
    /// <param name="basis">Takes the features of the plain images as well, or null.</param>
    public FlipPairs(ForgetPass pass, int[] labels, FeatureStore? basis)
    {
        (_labels, _count) = ([.. labels, .. labels], labels.Length);
        _draws = pass.Loader(Augmentation.Flip, shuffle: true, batch: 1);
        _features = pass.Store(2 * labels.Length);
        try
        {
            pass.Run(basis is null ? [_features] : [_features, basis]);
            pass.Run([_features], mirrored: true);
        }
        catch
        {
            _features.Dispose();
            throw;
        }
    }

    /// <summary>Both of every pair are judged; of each the one that is drawn is stepped on.</summary>
    public MaskRows All(int epoch, int[] order) => new(_features, _labels, Array.ConvertAll(order, i => Draw(epoch, i)));

    /// <summary>What the loader gives in an epoch, in its order.</summary>
    public MaskRows Drawn(int epoch)
    {
        var rows = Array.ConvertAll(_draws.Order(epoch), i => Draw(epoch, i));
        return new MaskRows(_features.Gather(rows), Array.ConvertAll(rows, row => _labels[row]), [.. Enumerable.Range(0, _count)]);
    }

    /// <summary>Gives device memory back.</summary>
    public void Dispose() => _features.Dispose();

    private int Draw(int epoch, int i) => _draws.IsMirrored(epoch, i) ? _count + i : i;
}
