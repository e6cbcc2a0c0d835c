using EscNative.Engine;
using EscNative.Engine.Plans;
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
    public void RunCompiled()
    {
        var (model, forget) = (context.Model, context.Forget);
        CompiledExtractor extractor;
        using (context.Stage("compile"))
            extractor = CompiledExtractor.Compile(model, forget.Height, forget.Width);
        try
        {
            var images = new byte[(long)Math.Min(CompiledBatch, forget.Count) * forget.ImageSize];
            var features = onDevice is null ? new float[Math.Min(CompiledBatch, forget.Count) * model.FeatureWidth] : [];
            while (_done < forget.Count)
            {
                cancel.ThrowIfCancellationRequested();
                var count = Math.Min(CompiledBatch, forget.Count - _done);
                using (context.Stage("upload"))
                {
                    for (var i = 0; i < count; i++)
                        forget.Pixels(_done + i).CopyTo(images.AsSpan(i * forget.ImageSize));
                }

                var batch = images.AsSpan(0, count * forget.ImageSize);
                if (onDevice is not null)
                {
                    using var result = Tensor.Zeros(new Shape(count, model.FeatureWidth), DType.F32, model.Device);
                    using (context.Stage("forward"))
                        extractor.Plan.Run(batch, result);
                    Deliver(result, onDevice);
                    continue;
                }

                var rows = Room(features, count);
                using (context.Stage("forward"))
                    extractor.Features(batch, rows);
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

    /// <summary>As the released code: batch normalisation on the batch's own statistics, which go into the running ones.</summary>
    public void RunInTrainingMode()
    {
        var (model, options, forget) = (context.Model, context.Options, context.Forget);
        var augment = options.OfficialAugmentation;
        var loader = new BatchLoader(forget, model.Description.Normalisation, new BatchOptions
        {
            BatchSize = options.BatchSize,
            Shuffle = augment,
            Augmentation = augment ? Augmentation.Flip : Augmentation.None,
            Seed = options.Seed,
            Device = model.Device,
        });
        var features = onDevice is null ? new float[options.BatchSize * model.FeatureWidth] : [];
        var training = model.Training;
        model.Training = true;
        try
        {
            using var noGrad = Tensor.NoGrad();
            using var batches = loader.Epoch().GetEnumerator();
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
                    result = model.Features(batch.Images).Contiguous();
                if (onDevice is not null)
                {
                    Deliver(result, onDevice);
                    continue;
                }

                var rows = Room(features, batch.Count);
                using (context.Stage("forward"))
                    result.CopyTo(rows);
                Deliver(rows, batch.Count);
            }
        }
        finally
        {
            model.Training = training;
        }

        if (context.Recorder is not null)
            AddWork(CompiledExtractor.Describe(model, forget.Height, forget.Width));
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
    private void AddWork(IReadOnlyList<PlanStep> steps)
    {
        double n = context.Forget.Count;
        foreach (var step in steps.SkipLast(1))
            context.Recorder?.AddWork("forward", (n * step.Bytes) + step.WeightBytes, n * step.Flops);
    }
}
