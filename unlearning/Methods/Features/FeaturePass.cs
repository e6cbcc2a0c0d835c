using EscNative.Engine;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Methods;

/// <summary>One pass over D_f that hands its features on as they come.</summary>
/// <param name="context">The model and the images.</param>
/// <param name="kept">Receives all features, [n, d], where there is neither of the next two.</param>
/// <param name="accumulator">Receives the features' second moments, or null.</param>
/// <param name="onDevice">Receives them on the model's GPU, so that they never cross to the host; or null.</param>
/// <param name="progress">Told how many images are done, or null.</param>
/// <param name="cancel">Cancels between batches.</param>
internal sealed class FeaturePass(
    UnlearningContext context, float[] kept, SubspaceAccumulator? accumulator, CudaFeatures? onDevice, IProgress<StageProgress>? progress,
    CancellationToken cancel)
{
    // As many as the accumulator adds at a time: no row waits, and the threads meet seldom.
    private const int CompiledBatch = SubspaceAccumulator.BlockRows;

    private int _done;

    /// <summary>In evaluation mode: the model compiled, so that its weights are packed, folded and fused once for all images.</summary>
    /// <param name="mirrored">The mirror image of every image instead.</param>
    public void RunCompiled(bool mirrored = false)
    {
        var (model, forget) = (context.Model, context.Forget);
        CompiledExtractor extractor;
        using (context.Stage("compile"))
            extractor = Compile();
        try
        {
            var size = Math.Max(Math.Min(BatchOf(extractor), forget.Count), 1);
            // Pinned once for the request: the device reads a batch while the next one is gathered.
            using var staging = new UploadBuffer(CudaInterop.ContextOf(model.Device), checked(size * forget.ImageSize), (forget.Count + size - 1) / size);
            var features = onDevice is null ? new float[size * model.FeatureWidth] : [];
            while (_done < forget.Count)
            {
                cancel.ThrowIfCancellationRequested();
                using var call = KernelCall.Begin();
                var count = Math.Min(size, forget.Count - _done);
                Span<byte> batch;
                using (context.Stage("upload"))
                {
                    batch = staging.Next()[..(count * forget.ImageSize)];
                    for (var i = 0; i < count; i++)
                    {
                        var image = batch.Slice(i * forget.ImageSize, forget.ImageSize);
                        forget.Pixels(_done + i).CopyTo(image);
                        if (mirrored)
                            Mirror(image, forget.Width, forget.Channels);
                    }
                }

                if (onDevice is not null)
                {
                    using var result = Tensor.Zeros(new Shape(count, model.FeatureWidth), DType.F32, model.Device);
                    using (context.Stage("forward"))
                        extractor.Plan.Run(batch, result);
                    staging.HandOver();
                    Deliver(result, onDevice);
                    continue;
                }

                var rows = Room(features, count);
                using (context.Stage("forward"))
                    extractor.Features(batch, rows);
                staging.HandOver();
                Deliver(rows, count);
            }

            AddWork(extractor.Plan.Steps);
        }
        finally
        {
            using (context.Stage("compile"))
                extractor.Dispose();
        }
    }

    /// <summary>In evaluation mode, the images changed at random: in their own order.</summary>
    /// <param name="augmentation">How.</param>
    /// <param name="epoch">Which of the seed's epochs is drawn.</param>
    public void RunAugmented(Augmentation augmentation, int epoch)
    {
        var model = context.Model;
        using var extractor = Compile();
        Run(Loader(context, augmentation, shuffle: false, BatchOf(extractor)), epoch, images =>
        {
            var result = Tensor.Zeros(new Shape((int)images.Shape[0], model.FeatureWidth), DType.F32, model.Device);
            extractor.Plan.Run(images, result);
            return result;
        });
        AddWork(extractor.Plan.Steps);
    }

    /// <summary>As the released code: batch normalisation on the batch's own statistics, which go into the running ones.</summary>
    /// <param name="batch">Images of a batch.</param>
    /// <param name="epoch">Which of the seed's epochs is drawn.</param>
    /// <returns>The loader: its order is the features'.</returns>
    public BatchLoader RunInTrainingMode(int batch, int epoch = 0)
    {
        var (model, forget) = (context.Model, context.Forget);
        var augment = context.Options.OfficialAugmentation;
        var loader = Loader(context, augment ? Augmentation.Flip : Augmentation.None, augment, batch);
        var training = model.Training;
        model.Training = true;
        try
        {
            Run(loader, epoch, images => model.Features(images).Contiguous());
        }
        finally
        {
            model.Training = training;
        }

        if (context.Recorder is not null)
            AddWork(CompiledExtractor.Describe(model, forget.Height, forget.Width));
        return loader;
    }

    /// <summary>The forgetting images in batches, on the model's device.</summary>
    public static BatchLoader Loader(UnlearningContext context, Augmentation augmentation, bool shuffle, int batch) =>
        new(context.Forget, context.Model.Description.Normalisation, new BatchOptions
        {
            BatchSize = batch,
            Shuffle = shuffle,
            Augmentation = augmentation,
            Seed = context.Options.Seed,
            Device = context.Model.Device,
        });

    private CompiledExtractor Compile() => CompiledExtractor.Compile(
        context.Model, context.Forget.Height, context.Forget.Width, new PlanOptions { ImagesPerRun = context.Forget.Count });

    // On a GPU a chunk of the plan: no batch but the last has a remainder. The result does not depend on it.
    private int BatchOf(CompiledExtractor extractor) =>
        CudaInterop.ContextOf(context.Model.Device) is null ? CompiledBatch : extractor.Plan.ImagesPerChunk;

    private void Run(BatchLoader loader, int epoch, Func<Tensor, Tensor> forward)
    {
        using var noGrad = Tensor.NoGrad();
        using var batches = loader.Epoch(epoch).GetEnumerator();
        float[] features = [];
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            using (context.Stage("upload"))
            {
                if (!batches.MoveNext())
                    break;
            }

            var batch = batches.Current;
            using var scope = Tensor.Scope();
            Tensor result;
            using (context.Stage("forward"))
                result = forward(batch.Images);
            if (onDevice is not null)
            {
                Deliver(result, onDevice);
                continue;
            }

            // The first batch is the largest.
            if (features.Length == 0 && accumulator is not null)
                features = new float[batch.Count * context.Model.FeatureWidth];
            var rows = Room(features, batch.Count);
            using (context.Stage("forward"))
                result.CopyTo(rows);
            Deliver(rows, batch.Count);
        }
    }

    // Pixels of a row in reverse order, their channels not.
    private static void Mirror(Span<byte> image, int width, int channels)
    {
        for (var at = 0; at < image.Length; at += width * channels)
        {
            var row = image.Slice(at, width * channels);
            row.Reverse();
            for (var pixel = 0; pixel < row.Length; pixel += channels)
                row.Slice(pixel, channels).Reverse();
        }
    }

    private Span<float> Room(float[] features, int count)
    {
        var d = context.Model.FeatureWidth;
        return accumulator is null ? kept.AsSpan(_done * d, count * d) : features.AsSpan(0, count * d);
    }

    private void Deliver(ReadOnlySpan<float> rows, int count)
    {
        if (accumulator is not null)
        {
            using (context.Stage("gram"))
                accumulator.Add(rows, count);
        }

        Advance(count);
    }

    private void Deliver(Tensor rows, CudaFeatures features)
    {
        var count = (int)rows.Shape[0];
        using var call = KernelCall.Begin();
        using (context.Stage("gram"))
            features.Add(CudaInterop.AddressOf(rows), count);
        Advance(count);
    }

    private void Advance(int count)
    {
        _done += count;
        progress?.Report(new StageProgress("forward", _done, context.Forget.Count));
    }

    // Up to the features; the head is not run.
    private void AddWork(IReadOnlyList<PlanStepInfo> steps)
    {
        double n = context.Forget.Count;
        foreach (var step in steps.SkipLast(1))
            context.Recorder?.AddWork("forward", (n * step.Bytes) + step.WeightBytes, n * step.Flops);
    }
}
