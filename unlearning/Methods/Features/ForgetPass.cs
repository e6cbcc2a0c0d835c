using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Methods;

/// <summary>The passes over D_f from which ESC and ESC-T take their features.</summary>
/// <param name="context">The model and the images.</param>
/// <param name="progress">Told how many images of a pass are done, or null.</param>
/// <param name="cancel">Cancels between batches.</param>
internal sealed class ForgetPass(UnlearningContext context, IProgress<StageProgress>? progress, CancellationToken cancel) : IDisposable
{
    private readonly FeaturePass _pass = new(context.Model, context.Forget.Count, context.Recorder);
    private readonly ForwardProgress? _progress = progress is null ? null : new ForwardProgress(progress, 0, context.Forget.Count);

    /// <summary>The request.</summary>
    public UnlearningContext Context => context;

    /// <summary>In evaluation mode.</summary>
    /// <param name="consumers">Who takes the features.</param>
    /// <param name="mirrored">The mirror image of every image instead.</param>
    public void Run(ReadOnlySpan<IFeatureConsumer> consumers, bool mirrored = false) =>
        _pass.Run(context.Forget, consumers, mirrored, _progress, cancel);

    /// <summary>In evaluation mode, the images changed at random: in their own order.</summary>
    /// <param name="augmentation">How.</param>
    /// <param name="epoch">Which of the seed's epochs is drawn.</param>
    /// <param name="consumers">Who takes the features.</param>
    public void RunAugmented(Augmentation augmentation, int epoch, ReadOnlySpan<IFeatureConsumer> consumers) =>
        _pass.RunAugmented(context.Forget, augmentation, context.Options.Seed, epoch, consumers, _progress, cancel);

    /// <summary>As the released code: batch normalisation on the batch's own statistics, which go into the running ones.</summary>
    /// <param name="batch">Images of a batch.</param>
    /// <param name="epoch">Which of the seed's epochs is drawn.</param>
    /// <param name="consumers">Who takes the features.</param>
    /// <returns>The loader: its order is the features'.</returns>
    public BatchLoader RunInTrainingMode(int batch, int epoch, ReadOnlySpan<IFeatureConsumer> consumers)
    {
        var augment = context.Options.OfficialAugmentation;
        var loader = Loader(augment ? Augmentation.Flip : Augmentation.None, augment, batch);
        _pass.RunInTrainingMode(loader, epoch, consumers, _progress, cancel);
        return loader;
    }

    /// <summary>The forgetting images in batches, on the model's device.</summary>
    public BatchLoader Loader(Augmentation augmentation, bool shuffle, int batch) =>
        new(context.Forget, context.Model.Description.Normalisation, new BatchOptions
        {
            BatchSize = batch,
            Shuffle = shuffle,
            Augmentation = augmentation,
            Seed = context.Options.Seed,
            Device = context.Model.Device,
        });

    /// <summary>A store for features of the model, on its device.</summary>
    /// <param name="keptRows">0 for the Gram matrix alone; else room for so many rows.</param>
    public FeatureStore Store(int keptRows) => new(CudaInterop.ContextOf(context.Model.Device), context.Model.FeatureWidth, keptRows);

    public void Dispose() => _pass.Dispose();
}
