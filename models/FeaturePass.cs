using EscNative.Engine;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>The one way from images to features: images -> augmentation -> plan, or the network in training mode -> consumers.</summary>
/// <remarks>
/// Features stream: a pass holds those of one batch, and where all consumers take tensors they never leave the model's device. The model is
/// compiled at the first pass and the plan is kept for the next ones: weights must not change between them other than by
/// <see cref="RunInTrainingMode"/>. The features of an image do not depend on the batch in which it comes, but in training mode.
/// Not safe for concurrent use.
/// </remarks>
/// <param name="model">The model. Passes but those in training mode leave it alone and compute as in evaluation mode, whatever its mode is.</param>
/// <param name="imagesPerRun">The images of the largest pass, for a GPU's memory; 0 for those of the first one.</param>
/// <param name="recorder">Records the stages <c>compile</c>, <c>upload</c>, <c>forward</c> and the consumers', or null.</param>
public sealed class FeaturePass(Classifier model, int imagesPerRun = 0, StageRecorder? recorder = null) : IDisposable
{
    /// <summary>Images of a batch on the host, and for consumers there.</summary>
    /// <remarks>As many as a Gram matrix takes at a time: no row waits, and the threads meet seldom.</remarks>
    public const int HostBatch = 512;

    // Images of more than some 400 pixels a side come in smaller batches.
    private const int BatchBytes = 256 << 20;

    private CompiledExtractor? _extractor;

    /// <summary>A pass in evaluation mode over a set in its order.</summary>
    /// <param name="images">The images.</param>
    /// <param name="consumers">Who takes the features, at least one.</param>
    /// <param name="mirrored">The mirror image of every image instead.</param>
    /// <param name="progress">Told how many images are done, or null.</param>
    /// <param name="cancel">Cancels between batches.</param>
    /// <exception cref="ShapeException">The model cannot take such images, or the plan is for images of another size.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Run(
        ImageSet images, ReadOnlySpan<IFeatureConsumer> consumers, bool mirrored = false, IProgress<int>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        var delivery = new FeatureDelivery(consumers, model, recorder, progress);
        var extractor = Compile(images, delivery.TakesTensors);
        if (images.Count == 0)
            return;
        var size = Math.Min(BatchOf(extractor, images, delivery.TakesTensors), images.Count);
        var indices = new int[size];
        // Pinned once for the pass: the device reads a batch while the next one is gathered.
        using var staging = new UploadBuffer(CudaInterop.ContextOf(model.Device), checked(size * images.ImageSize), (images.Count + size - 1) / size);
        var following = new int[size];
        using var source = new BatchPixels(images);
        while (delivery.Done < images.Count)
        {
            cancel.ThrowIfCancellationRequested();
            using var call = KernelCall.Begin();
            var batch = indices.AsSpan(0, Math.Min(size, images.Count - delivery.Done));
            var ahead = following.AsSpan(0, Math.Min(size, images.Count - delivery.Done - batch.Length));
            for (var i = 0; i < batch.Length; i++)
                batch[i] = delivery.Done + i;
            for (var i = 0; i < ahead.Length; i++)
                ahead[i] = delivery.Done + batch.Length + i;
            Span<byte> pixels;
            using (Stage("upload"))
            {
                pixels = staging.Next()[..(batch.Length * images.ImageSize)];
                source.Load(batch, ahead);
                for (var i = 0; i < batch.Length; i++)
                {
                    var image = pixels.Slice(i * images.ImageSize, images.ImageSize);
                    source[i].CopyTo(image);
                    if (mirrored)
                        Mirror(image, images.Width, images.Channels);
                }
            }

            if (delivery.TakesTensors)
            {
                using var features = Allocate(batch.Length, model.FeatureWidth);
                using var logits = delivery.TakesLogits ? Allocate(batch.Length, model.Classes) : null;
                using (Stage("forward"))
                    extractor.Plan.Run(pixels, features, logits);
                model.CountForwarded(batch.Length);
                staging.HandOver();
                delivery.Deliver(batch, features, logits);
                continue;
            }

            Span<float> rows = delivery.FeatureSpan(batch.Length), scores = delivery.LogitSpan(batch.Length);
            using (Stage("forward"))
            {
                if (delivery.TakesLogits)
                    extractor.Run(pixels, rows, scores);
                else
                    extractor.Features(pixels, rows);
            }

            model.CountForwarded(batch.Length);
            staging.HandOver();
            delivery.Deliver(batch, rows, scores);
        }

        AddWork(extractor.Plan.Steps, images.Count);
    }

    /// <summary>A pass in evaluation mode over images that are changed at random, in the set's order.</summary>
    /// <param name="images">The images.</param>
    /// <param name="augmentation">How they are changed.</param>
    /// <param name="seed">Seed of the changes.</param>
    /// <param name="epoch">Which of the seed's epochs is drawn.</param>
    /// <inheritdoc cref="Run(ImageSet, ReadOnlySpan{IFeatureConsumer}, bool, IProgress{int}, CancellationToken)"/>
    public void RunAugmented(
        ImageSet images, Augmentation augmentation, ulong seed, int epoch, ReadOnlySpan<IFeatureConsumer> consumers, IProgress<int>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        var delivery = new FeatureDelivery(consumers, model, recorder, progress);
        var extractor = Compile(images, delivery.TakesTensors);
        var loader = new BatchLoader(images, model.Description.Normalisation, new BatchOptions
        {
            BatchSize = BatchOf(extractor, images, delivery.TakesTensors),
            Augmentation = augmentation,
            Seed = seed,
            Device = model.Device,
        });
        Run(loader, epoch, extractor, delivery, cancel);
        AddWork(extractor.Plan.Steps, images.Count);
    }

    /// <summary>A pass in training mode: batch normalisation on the batch's own statistics, which go into the running ones.</summary>
    /// <param name="batches">The images, in batches, on the model's device; their order is the pass's.</param>
    /// <param name="epoch">Which of the loader's epochs is drawn.</param>
    /// <inheritdoc cref="Run(ImageSet, ReadOnlySpan{IFeatureConsumer}, bool, IProgress{int}, CancellationToken)"/>
    public void RunInTrainingMode(
        BatchLoader batches, int epoch, ReadOnlySpan<IFeatureConsumer> consumers, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        // The plan has the statistics that are left now.
        Dispose();
        var training = model.Training;
        model.Training = true;
        try
        {
            Run(batches, epoch, null, new FeatureDelivery(consumers, model, recorder, progress), cancel);
        }
        finally
        {
            model.Training = training;
        }

        if (recorder is not null)
            AddWork(CompiledExtractor.Describe(model, batches.Set.Height, batches.Set.Width), batches.Set.Count);
    }

    /// <summary>Frees the plan; a further pass compiles another one.</summary>
    public void Dispose()
    {
        if (_extractor is null)
            return;
        using (Stage("compile"))
            _extractor.Dispose();
        _extractor = null;
    }

    private void Run(BatchLoader batches, int epoch, CompiledExtractor? extractor, FeatureDelivery delivery, CancellationToken cancel)
    {
        using var noGrad = Tensor.NoGrad();
        using var remaining = batches.Epoch(epoch).GetEnumerator();
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            using (Stage("upload"))
            {
                if (!remaining.MoveNext())
                    break;
            }

            var batch = remaining.Current;
            using var scope = Tensor.Scope();
            Tensor features;
            Tensor? logits = null;
            using (Stage("forward"))
            {
                if (extractor is null)
                {
                    features = model.Features(batch.Images).Contiguous();
                    if (delivery.TakesLogits)
                        logits = model.Head.Forward(features).Contiguous();
                }
                else
                {
                    features = Allocate(batch.Count, model.FeatureWidth);
                    if (delivery.TakesLogits)
                        logits = Allocate(batch.Count, model.Classes);
                    extractor.Plan.Run(batch.Images, features, logits);
                    model.CountForwarded(batch.Count);
                }
            }

            delivery.Deliver(batch.Indices, features, logits);
        }
    }

    /// <summary>A batch whose bytes are not too many, but at least one image.</summary>
    /// <param name="batch">The images that are wanted.</param>
    /// <param name="imageSize">Bytes of one.</param>
    internal static int Within(int batch, int imageSize) => Math.Min(batch, Math.Max(1, BatchBytes / imageSize));

    private CompiledExtractor Compile(ImageSet images, bool tensors)
    {
        if (_extractor is null)
        {
            var largest = imagesPerRun > 0 ? imagesPerRun : images.Count;
            // The CPU would take other algorithms for a few images: a feature is not to depend on how many images there are.
            var wanted = CudaInterop.ContextOf(model.Device) is null ? 0 : tensors ? largest : Math.Min(Within(HostBatch, images.ImageSize), largest);
            using (Stage("compile"))
                _extractor = CompiledExtractor.Compile(model, images.Height, images.Width, new PlanOptions { ImagesPerRun = wanted });
        }

        if (_extractor.Plan.InputShape != (images.Height, images.Width, images.Channels))
            throw new ShapeException($"feature pass: {images.Name} has images [{images.Height}, {images.Width}, {images.Channels}], the plan is for {_extractor.Plan.InputShape}");
        return _extractor;
    }

    // On a GPU a chunk of the plan: no batch but the last has a remainder. What comes to the host comes in blocks of one size on every device,
    // since a sum may depend on how its rows were cut.
    private int BatchOf(CompiledExtractor extractor, ImageSet images, bool tensors) =>
        Within(tensors && CudaInterop.ContextOf(model.Device) is not null ? extractor.Plan.ImagesPerChunk : HostBatch, images.ImageSize);

    private Tensor Allocate(int rows, int columns) => Tensor.Zeros(new Shape(rows, columns), DType.F32, model.Device);

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

    // Up to the features; the head is not counted.
    private void AddWork(IReadOnlyList<PlanStepInfo> steps, double images)
    {
        foreach (var step in steps.SkipLast(1))
            recorder?.AddWork("forward", (images * step.Bytes) + step.WeightBytes, images * step.Flops);
    }

    private StageRecorder.Running Stage(string name) => StageRecorder.Begin(recorder, name);
}
