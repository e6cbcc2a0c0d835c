using EscNative.Kernels;
using EscNative.Models.Data;
using EscNative.Unlearning.Masks;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Methods;

/// <summary>The features on which ESC-T trains, by the transform that the images take. They lie where the model computes.</summary>
internal sealed class ForgetRows : IMaskRows, IDisposable
{
    // Keeps the orders apart from what else is drawn from the same seed.
    private const ulong OrderStream = 0x4553_4354UL << 32;

    private readonly List<IDisposable> _owned = [];
    private Func<int, MaskRows> _training = null!;
    private Func<int, MaskRows> _judged = null!;

    private ForgetRows()
    {
    }

    /// <summary>The features whose directions are the basis U.</summary>
    public SubspaceProblem Basis { get; private set; } = null!;

    public MaskRows Training(int epoch) => _training(epoch);

    public MaskRows Judged(int epoch) => _judged(epoch);

    /// <summary>In evaluation mode.</summary>
    /// <param name="pass">Makes features of the images. It is disposed of with these rows, or before where they are complete.</param>
    /// <param name="augmentation">What happens to the images in each epoch.</param>
    /// <param name="shuffle">Whether each epoch has an order of its own.</param>
    /// <param name="needsRows">Whether the basis is found from the rows themselves.</param>
    public static ForgetRows ForPaper(ForgetPass pass, MaskAugmentation augmentation, bool shuffle, bool needsRows)
    {
        var (labels, seed) = (pass.Context.Forget.Labels(), pass.Context.Options.Seed);
        return Make(pass, rows =>
        {
            switch (augmentation)
            {
                case MaskAugmentation.None:
                    var plain = rows.Own(pass.Store(labels.Length));
                    pass.Run([plain]);
                    pass.Dispose();
                    rows.Basis = plain.ToProblem();
                    rows.TrainOn(epoch => new MaskRows(plain, labels, Order(labels.Length, seed, epoch, shuffle)));
                    break;
                case MaskAugmentation.FlipPairs:
                    var basis = rows.Own(pass.Store(needsRows ? labels.Length : 0));
                    var pairs = rows.Own(new FlipPairs(pass, labels, basis));
                    pass.Dispose();
                    rows.Basis = basis.ToProblem();
                    rows.TrainOn(epoch => pairs.All(epoch, Order(labels.Length, seed, epoch, shuffle)));
                    break;
                default:
                    var still = rows.Own(pass.Store(needsRows ? labels.Length : 0));
                    pass.Run([still]);
                    rows.Basis = still.ToProblem();
                    var changes = augmentation == MaskAugmentation.Flip ? Augmentation.Flip : Augmentation.CropAndFlip;
                    var present = rows.Own(new PresentRows(epoch =>
                    {
                        var features = pass.Store(labels.Length);
                        try
                        {
                            pass.RunAugmented(changes, epoch, [features]);
                            return new MaskRows(features, labels, Order(labels.Length, seed, epoch, shuffle));
                        }
                        catch
                        {
                            features.Dispose();
                            throw;
                        }
                    }));
                    rows.TrainOn(present.Of);
                    break;
            }
        });
    }

    /// <summary>The same features in every epoch.</summary>
    /// <param name="features">[n, d] on the CPU.</param>
    /// <param name="labels">[n]</param>
    /// <param name="seed">Seed of the orders.</param>
    /// <param name="shuffle">Whether each epoch has an order of its own.</param>
    public static ForgetRows Cached(float[] features, int[] labels, ulong seed, bool shuffle)
    {
        var store = new FeatureStore(features, features.Length / labels.Length);
        var rows = new ForgetRows { Basis = store.ToProblem() };
        rows.TrainOn(epoch => new MaskRows(store, labels, Order(labels.Length, seed, epoch, shuffle)));
        return rows;
    }

    /// <summary>
    /// As the released code: the basis and the first epoch from passes in training mode, all that follows in evaluation mode with the
    /// running statistics that those left, and each use of the images in an order and with flips of its own.
    /// </summary>
    /// <remarks>No weight changes and the mask has no influence on the features, so the first epoch's pass may be run as a whole.</remarks>
    /// <inheritdoc cref="ForPaper"/>
    /// <param name="pass">Makes features of the images. It is disposed of when the rows are complete.</param>
    /// <param name="batch">Images of a batch.</param>
    /// <param name="needsRows">Whether the basis is found from the rows themselves.</param>
    public static ForgetRows ForOfficial(ForgetPass pass, int batch, bool needsRows)
    {
        var labels = pass.Context.Forget.Labels();
        return Make(pass, rows =>
        {
            // The loader is gone through once for the basis, and then twice an epoch: to train and to judge.
            var basis = rows.Own(pass.Store(needsRows ? labels.Length : 0));
            pass.RunInTrainingMode(batch, epoch: 0, [basis]);
            rows.Basis = basis.ToProblem();
            var firstFeatures = rows.Own(pass.Store(labels.Length));
            var firstOrder = pass.RunInTrainingMode(batch, epoch: 1, [firstFeatures]).Order(1);
            var first = new MaskRows(firstFeatures, Array.ConvertAll(firstOrder, i => labels[i]), [.. Enumerable.Range(0, labels.Length)]);
            if (pass.Context.Options.OfficialAugmentation)
            {
                var pairs = rows.Own(new FlipPairs(pass, labels, basis: null));
                PresentRows training = rows.Own(new PresentRows(epoch => pairs.Drawn((2 * epoch) + 1))), judged = rows.Own(new PresentRows(epoch => pairs.Drawn((2 * epoch) + 2)));
                rows.TrainOn(epoch => epoch == 0 ? first : training.Of(epoch), judged.Of);
            }
            else
            {
                var plain = rows.Own(pass.Store(labels.Length));
                pass.Run([plain]);
                var still = new MaskRows(plain, labels, first.Order);
                rows.TrainOn(epoch => epoch == 0 ? first : still, _ => still);
            }

            pass.Dispose();
        });
    }

    /// <summary>Gives device memory back, and what the passes hold.</summary>
    public void Dispose()
    {
        foreach (var owned in _owned)
            owned.Dispose();
    }

    private static ForgetRows Make(ForgetPass pass, Action<ForgetRows> fill)
    {
        var rows = new ForgetRows();
        rows.Own(pass);
        try
        {
            fill(rows);
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    private static int[] Order(int count, ulong seed, int epoch, bool shuffle) => shuffle
        ? new RandomSource(seed, OrderStream + (uint)epoch).Permutation(count)
        : [.. Enumerable.Range(0, count)];

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private void TrainOn(Func<int, MaskRows> training, Func<int, MaskRows>? judged = null) => (_training, _judged) = (training, judged ?? training);

    // Rows of one epoch, which give way to those of the next.
    private sealed class PresentRows(Func<int, MaskRows> make) : IDisposable
    {
        private int _epoch;
        private MaskRows? _rows;

        public MaskRows Of(int epoch)
        {
            if (_rows is null || _epoch != epoch)
            {
                Dispose();
                (_epoch, _rows) = (epoch, make(epoch));
            }

            return _rows;
        }

        public void Dispose()
        {
            _rows?.Features.Dispose();
            _rows = null;
        }
    }
}
