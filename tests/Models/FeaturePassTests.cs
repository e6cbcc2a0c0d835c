using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Models;

/// <summary>The one way from images to features, on the CPU or, with ESC_TEST_DEVICE=cuda, on a GPU or the emulated one.</summary>
public sealed class FeaturePassTests
{
    private const int Images = 700;

    [Fact]
    public void Every_consumer_gets_the_features_of_every_image_once_and_in_order()
    {
        using var model = SmallImages.Model();
        var set = SmallImages.Set(Images, 4);
        var bank = FeatureBank.Extract(model, set);
        Kept rows = new(model, Images), both = new(model, Images) { TakesLogits = true };
        Seen seen = new(), scored = new() { TakesLogits = true };
        using (var pass = new FeaturePass(model))
            pass.Run(set, [seen, rows, both, scored]);
        Assert.Equal(Enumerable.Range(0, Images), seen.Indices);
        Assert.Equal(bank.Features, seen.Features);
        Assert.Empty(seen.Logits);
        Assert.Equal(bank.Features, rows.Features);
        Assert.Equal(bank.Features, both.Features);
        Assert.Equal(bank.Logits, both.Logits);
        Assert.Equal(bank.Features, scored.Features);
        Assert.Equal(bank.Logits, scored.Logits);
    }

    [Fact]
    public void Images_are_counted_as_they_pass_through_the_network_whatever_way_they_take()
    {
        using var model = SmallImages.Model();
        Assert.Equal(0, model.ForwardedImages);
        var set = SmallImages.Set(Images, 4);
        using var pass = new FeaturePass(model);
        pass.Run(set, [new Seen()]);
        Assert.Equal(Images, model.ForwardedImages);
        pass.Run(set, [new Seen()], mirrored: true);
        pass.RunAugmented(set, Augmentation.CropAndFlip, 1, 0, [new Seen()]);
        Assert.Equal(3 * Images, model.ForwardedImages);
        pass.RunInTrainingMode(new BatchLoader(set, model.Description.Normalisation, new BatchOptions { BatchSize = 64, Device = model.Device }), 0, [new Seen()]);
        Assert.Equal(4 * Images, model.ForwardedImages);
        using (Tensor.Scope())
        {
            foreach (var batch in new BatchLoader(set, model.Description.Normalisation, new BatchOptions { BatchSize = 50, Device = model.Device }).Epoch())
            {
                _ = model.Forward(batch.Images);
                break;
            }
        }

        Assert.Equal((4 * Images) + 50, model.ForwardedImages);
        using var copy = model.Copy();
        Assert.Equal(0, copy.ForwardedImages);
    }

    [Theory]
    [InlineData(32, 512)]
    [InlineData(224, 512)]
    [InlineData(384, 512)]
    [InlineData(1200, 62)]
    [InlineData(16_384, 1)]
    public void A_batch_of_large_images_has_fewer_of_them(int side, int images)
    {
        Assert.Equal(images, FeaturePass.Within(FeaturePass.HostBatch, side * side * 3));
        Assert.InRange((long)images * side * side * 3, 1, int.MaxValue);
    }

    [Fact]
    public void A_batch_that_no_array_holds_is_refused()
    {
        var set = new ImageSet("huge", new Nowhere(), new int[512], null, 1200, 1200, 3, ["a"], []);
        using var pixels = new BatchPixels(set);
        var all = Enumerable.Range(0, 512).ToArray();
        Assert.Contains("512 images of huge are 2211840000 bytes", Assert.Throws<UsageException>(() => pixels.Load(all, [])).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => pixels.Load([], all));
        pixels.Load([3], [5]);
        Assert.Equal(1200 * 1200 * 3, pixels[0].Length);
    }

    [Fact]
    public void Tensors_hold_what_the_host_gets()
    {
        using var model = SmallImages.Model();
        var set = SmallImages.Set(Images, 4);
        var bank = FeatureBank.Extract(model, set);
        var (tensors, host) = (new Seen { TakesTensors = true, TakesLogits = true }, new Seen());
        using (var pass = new FeaturePass(model))
            pass.Run(set, [tensors, host]);
        Assert.Equal(bank.Features, tensors.Features);
        Assert.Equal(bank.Logits, tensors.Logits);
        Assert.Equal(bank.Features, host.Features);
        Assert.Empty(host.Logits);
    }

    [Fact]
    public void Mirrored_images_are_mirrored()
    {
        using var model = SmallImages.Model();
        var set = SmallImages.Set(20, 4);
        var pixels = SmallImages.Bytes(set, 0, set.Count);
        var mirrored = new byte[pixels.Length];
        for (var at = 0; at < pixels.Length; at += 3)
        {
            int row = at / 96, column = at / 3 % 32;
            pixels.AsSpan(at, 3).CopyTo(mirrored.AsSpan((row * 96) + ((31 - column) * 3)));
        }

        var seen = new Seen();
        using (var pass = new FeaturePass(model))
            pass.Run(set, [seen], mirrored: true);
        Assert.Equal(FeatureBank.Extract(model, new ImageSet("mirrored", mirrored, set.Labels(), 32, 32, 3, SmallImages.Names)).Features, seen.Features);
    }

    [Fact]
    public void Augmented_images_are_those_of_a_loader()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var set = SmallImages.Set(40, 4);
        Seen seen = new() { TakesLogits = true }, tensors = new() { TakesTensors = true };
        using (var pass = new FeaturePass(model))
            pass.RunAugmented(set, Augmentation.CropAndFlip, 7, 3, [seen, tensors]);
        Assert.Equal(Enumerable.Range(0, 40), seen.Indices);
        Assert.Equal(seen.Features, tensors.Features);
        var loader = new BatchLoader(set, model.Description.Normalisation, new BatchOptions { BatchSize = 40, Augmentation = Augmentation.CropAndFlip, Seed = 7, Device = model.Device });
        using var noGrad = Tensor.NoGrad();
        using var scope = Tensor.Scope();
        foreach (var batch in loader.Epoch(3))
        {
            var features = model.Features(batch.Images);
            AssertClose(features.ToArray(), seen.Features);
            AssertClose(model.Head.Forward(features).ToArray(), seen.Logits);
        }
    }

    [Fact]
    public void A_pass_in_training_mode_moves_the_statistics_that_later_passes_see()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var set = SmallImages.Set(40, 4);
        var before = FeatureBank.Extract(model, set);
        var loader = new BatchLoader(set, model.Description.Normalisation, new BatchOptions { BatchSize = 16, Shuffle = true, Seed = 7, Device = model.Device });
        Seen first = new(), training = new() { TakesLogits = true }, after = new();
        using (var pass = new FeaturePass(model))
        {
            pass.Run(set, [first]);
            pass.RunInTrainingMode(loader, 2, [training]);
            pass.Run(set, [after]);
        }

        Assert.False(model.Training);
        Assert.Equal(before.Features, first.Features);
        Assert.Equal(loader.Order(2), training.Indices);
        Assert.Equal(40 * model.Classes, training.Logits.Count);
        Assert.NotEqual(before.Features, after.Features);
        Assert.Equal(FeatureBank.Extract(model, set).Features, after.Features);
    }

    [Fact]
    public void Wrong_use_is_told_and_a_cancelled_pass_ends_between_batches()
    {
        using var model = SmallImages.Model();
        var set = SmallImages.Set(Images, 4);
        using var pass = new FeaturePass(model);
        Assert.Contains("no consumer", Assert.Throws<UsageException>(() => pass.Run(set, [])).Message, StringComparison.Ordinal);
        using var cancel = new CancellationTokenSource();
        var seen = new Seen();
        var progress = new Told(_ => cancel.Cancel());
        Assert.Throws<OperationCanceledException>(() => pass.Run(set, [seen], progress: progress, cancel: cancel.Token));
        Assert.Equal(FeaturePass.HostBatch, seen.Indices.Count);
        var none = new Seen();
        pass.Run(set.Subset([], "none"), [none]);
        Assert.Empty(none.Indices);
        var large = new ImageSet("large", new byte[40 * 40 * 3], [0], 40, 40, 3, SmallImages.Names);
        Assert.Contains("large has images [40, 40, 3]", Assert.Throws<ShapeException>(() => pass.Run(large, [none])).Message, StringComparison.Ordinal);
    }

    // The eager network against the plan, see PlanTests.
    private static void AssertClose(float[] wanted, List<float> got)
    {
        var largest = wanted.Max(Math.Abs);
        Assert.Equal(wanted.Length, got.Count);
        for (var i = 0; i < wanted.Length; i++)
            Assert.InRange(got[i], wanted[i] - (1e-4 * largest), wanted[i] + (1e-4 * largest));
    }

    private sealed class Seen : IFeatureConsumer
    {
        public List<int> Indices { get; } = [];

        public List<float> Features { get; } = [];

        public List<float> Logits { get; } = [];

        public bool TakesTensors { get; init; }

        public bool TakesLogits { get; init; }

        public void Add(in FeatureBatch batch)
        {
            Assert.Equal(Indices.Count, batch.First);
            Assert.Equal(TakesTensors, batch.Features.IsEmpty);
            Indices.AddRange(batch.Indices);
            Features.AddRange(TakesTensors ? batch.FeatureTensor!.ToArray() : batch.Features);
            Logits.AddRange(TakesTensors && TakesLogits ? batch.LogitTensor!.ToArray() : batch.Logits);
        }
    }

    private sealed class Kept(Classifier model, int count) : IFeatureConsumer
    {
        private int _done;

        public float[] Features { get; } = new float[count * model.FeatureWidth];

        public float[] Logits { get; } = new float[count * model.Classes];

        public bool TakesLogits { get; init; }

        public Span<float> FeatureSpan(int count) => Features.AsSpan(_done * model.FeatureWidth, count * model.FeatureWidth);

        public Span<float> LogitSpan(int count) => Logits.AsSpan(_done * model.Classes, count * model.Classes);

        public void Add(in FeatureBatch batch) => _done += batch.Count;
    }

    private sealed class Told(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }

    // Photos in files that nobody reads.
    private sealed class Nowhere : PixelStore
    {
        public override bool IsInMemory => false;

        public override ReadOnlySpan<byte> Row(int id) => throw new InvalidOperationException();

        public override void Read(ReadOnlySpan<int> ids, Span<byte> rows) => rows.Clear();
    }
}
