using EscNative.Kernels;
using EscNative.Models.Data;
using EscNative.Unlearning.Masks;

namespace EscNative.Unlearning.Methods;

/// <summary>The features on which ESC-T trains, by the transform that the images take.</summary>
internal sealed class ForgetRows : IMaskRows
{
    // Keeps the orders apart from what else is drawn from the same seed.
    private const ulong OrderStream = 0x4553_4354UL << 32;

    private readonly Func<int, MaskRows> _training;
    private readonly Func<int, MaskRows> _judged;

    private ForgetRows(float[] basisFeatures, Func<int, MaskRows> training, Func<int, MaskRows>? judged = null) =>
        (BasisFeatures, _training, _judged) = (basisFeatures, training, judged ?? training);

    /// <summary>The features whose directions are the basis U: [n, d].</summary>
    public float[] BasisFeatures { get; }

    public MaskRows Training(int epoch) => _training(epoch);

    public MaskRows Judged(int epoch) => _judged(epoch);

    /// <summary>In evaluation mode.</summary>
    /// <param name="context">The model and the images.</param>
    /// <param name="augmentation">What happens to them in each epoch.</param>
    /// <param name="shuffle">Whether each epoch has an order of its own.</param>
    /// <param name="progress">Told how far a feature pass is, or null.</param>
    /// <param name="cancel">Cancels a feature pass.</param>
    public static ForgetRows ForPaper(
        UnlearningContext context, MaskAugmentation augmentation, bool shuffle, IProgress<StageProgress>? progress, CancellationToken cancel)
    {
        var labels = context.Forget.Labels();
        var plain = Features(context, pass => pass.RunCompiled(), progress, cancel);
        switch (augmentation)
        {
            case MaskAugmentation.None:
                return Cached(plain, labels, context.Options.Seed, shuffle);
            case MaskAugmentation.FlipPairs:
                var pairs = new Pairs(context, plain, labels, progress, cancel);
                return new ForgetRows(plain, epoch => pairs.All(epoch, Order(labels.Length, context.Options.Seed, epoch, shuffle)));
            default:
                var changes = augmentation == MaskAugmentation.Flip ? Augmentation.Flip : Augmentation.CropAndFlip;
                (int Epoch, MaskRows Rows)? present = null;
                return new ForgetRows(plain, epoch =>
                {
                    if (present?.Epoch != epoch)
                    {
                        var features = Features(context, pass => pass.RunAugmented(changes, epoch), progress, cancel);
                        present = (epoch, new MaskRows(features, labels, Order(labels.Length, context.Options.Seed, epoch, shuffle)));
                    }

                    return present.Value.Rows;
                });
        }
    }

    /// <summary>The same features in every epoch.</summary>
    /// <param name="features">[n, d]</param>
    /// <param name="labels">[n]</param>
    /// <param name="seed">Seed of the orders.</param>
    /// <param name="shuffle">Whether each epoch has an order of its own.</param>
    public static ForgetRows Cached(float[] features, int[] labels, ulong seed, bool shuffle) =>
        new(features, epoch => new MaskRows(features, labels, Order(labels.Length, seed, epoch, shuffle)));

    /// <summary>
    /// As the released code: the basis and the first epoch from passes in training mode, all that follows in evaluation mode with the
    /// running statistics that those left, and each use of the images in an order and with flips of its own.
    /// </summary>
    /// <remarks>No weight changes and the mask has no influence on the features, so the first epoch's pass may be run as a whole.</remarks>
    /// <inheritdoc cref="ForPaper"/>
    /// <param name="context">The model and the images.</param>
    /// <param name="batch">Images of a batch.</param>
    /// <param name="progress">Told how far a feature pass is, or null.</param>
    /// <param name="cancel">Cancels a feature pass.</param>
    public static ForgetRows ForOfficial(UnlearningContext context, int batch, IProgress<StageProgress>? progress, CancellationToken cancel)
    {
        var labels = context.Forget.Labels();
        // The loader is gone through once for the basis, and then twice an epoch: to train and to judge.
        var basis = Features(context, pass => pass.RunInTrainingMode(batch), progress, cancel);
        int[] firstOrder = [];
        var firstFeatures = Features(context, pass => firstOrder = pass.RunInTrainingMode(batch, epoch: 1).Order(1), progress, cancel);
        var first = new MaskRows(firstFeatures, Array.ConvertAll(firstOrder, i => labels[i]), [.. Enumerable.Range(0, labels.Length)]);
        var plain = Features(context, pass => pass.RunCompiled(), progress, cancel);
        if (!context.Options.OfficialAugmentation)
        {
            var still = new MaskRows(plain, labels, first.Order);
            return new ForgetRows(basis, epoch => epoch == 0 ? first : still, _ => still);
        }

        var pairs = new Pairs(context, plain, labels, progress, cancel);
        return new ForgetRows(basis, epoch => epoch == 0 ? first : pairs.Drawn((2 * epoch) + 1), epoch => pairs.Drawn((2 * epoch) + 2));
    }

    private static int[] Order(int count, ulong seed, int epoch, bool shuffle) => shuffle
        ? new RandomSource(seed, OrderStream + (uint)epoch).Permutation(count)
        : [.. Enumerable.Range(0, count)];

    private static float[] Features(UnlearningContext context, Action<FeaturePass> run, IProgress<StageProgress>? progress, CancellationToken cancel)
    {
        var features = new float[(long)context.Forget.Count * context.Model.FeatureWidth];
        run(new FeaturePass(context, features, null, null, progress, cancel));
        return features;
    }

    // The features of every image and of its mirror image: in evaluation mode that is all that flipping can give.
    private sealed class Pairs
    {
        private readonly BatchLoader _draws;
        private readonly float[] _features;
        private readonly int[] _labels;
        private readonly int _count;

        public Pairs(UnlearningContext context, float[] plain, int[] labels, IProgress<StageProgress>? progress, CancellationToken cancel)
        {
            var mirrored = Features(context, pass => pass.RunCompiled(mirrored: true), progress, cancel);
            (_features, _labels, _count) = ([.. plain, .. mirrored], [.. labels, .. labels], labels.Length);
            _draws = FeaturePass.Loader(context, Augmentation.Flip, shuffle: true, batch: 1);
        }

        /// <summary>Both of every pair are judged; of each the one that is drawn is stepped on.</summary>
        public MaskRows All(int epoch, int[] order) => new(_features, _labels, Array.ConvertAll(order, i => Draw(epoch, i)));

        /// <summary>What the loader gives in an epoch, in its order.</summary>
        public MaskRows Drawn(int epoch)
        {
            var rows = Array.ConvertAll(_draws.Order(epoch), i => Draw(epoch, i));
            var d = _features.Length / _labels.Length;
            var features = new float[(long)_count * d];
            for (var i = 0; i < rows.Length; i++)
                Array.Copy(_features, (long)rows[i] * d, features, (long)i * d, d);
            return new MaskRows(features, Array.ConvertAll(rows, row => _labels[row]), [.. Enumerable.Range(0, _count)]);
        }

        private int Draw(int epoch, int i) => _draws.IsMirrored(epoch, i) ? _count + i : i;
    }
}
