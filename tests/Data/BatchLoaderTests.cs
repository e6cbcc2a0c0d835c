using EscNative.Engine;
using EscNative.Models.Data;

namespace EscNative.Tests.Data;

public sealed class BatchLoaderTests
{
    private static readonly ImageSet Set = ImageSetTests.Synthetic(10, 5, 4, 3, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0);
    private static readonly float[] Table = Normalisation.Cifar10.Table(3);

    [Fact]
    public void Batches_hold_every_image_once_in_order()
    {
        var loader = Loader(new BatchOptions { BatchSize = 4 });
        Assert.Equal(3, loader.Batches);
        var seen = new List<int>();
        foreach (var batch in loader.Epoch())
        {
            Assert.Equal(new Shape(batch.Count, 5, 4, 3), batch.Images.Shape);
            Assert.Equal(DType.I32, batch.Labels.DType);
            var images = batch.Images.ToArray();
            var labels = batch.Labels.ToArray<int>();
            for (var i = 0; i < batch.Count; i++)
            {
                var index = batch.Indices[i];
                seen.Add(index);
                Assert.Equal(Set.Label(index), labels[i]);
                for (var k = 0; k < Set.ImageSize; k++)
                    Assert.Equal(Table[((k % 3) << 8) + Set.Pixels(index)[k]], images[(i * Set.ImageSize) + k]);
            }
        }

        Assert.Equal(Enumerable.Range(0, 10), seen);
        Assert.Equal(2, Loader(new BatchOptions { BatchSize = 4, DropLast = true }).Batches);
        Assert.Equal([4, 4], Loader(new BatchOptions { BatchSize = 4, DropLast = true }).Epoch().Select(b => b.Count));
        Assert.Equal([10], Loader(new BatchOptions { BatchSize = int.MaxValue }).Epoch().Select(b => b.Count));
        Assert.Empty(new BatchLoader(Set.Subset([], "empty"), Normalisation.Half).Epoch());
    }

    [Fact]
    public void Grey_images_are_translated_too()
    {
        var grey = ImageSetTests.Synthetic(2, 3, 3, 1, 0, 1);
        var batch = new BatchLoader(grey, Normalisation.Half).Epoch().Select(b => b.Images.ToArray()).Single();
        Assert.Equal(grey.Pixels(1)[8] / 255f / 0.5f - 1, batch[17], 1e-6f);
    }

    [Fact]
    public void A_shuffle_follows_from_seed_and_epoch_alone()
    {
        var set = Big();
        var options = new BatchOptions { BatchSize = 7, Shuffle = true, Seed = 3 };
        var loader = new BatchLoader(set, Normalisation.Half, options);
        Assert.Equal(loader.Order(0), new BatchLoader(set, Normalisation.Half, options with { BatchSize = 100 }).Order(0));
        Assert.NotEqual(loader.Order(0), loader.Order(1));
        Assert.NotEqual(loader.Order(0), new BatchLoader(set, Normalisation.Half, options with { Seed = 4 }).Order(0));
        Assert.Equal(Enumerable.Range(0, set.Count), loader.Order(5).Order());
        // Taken up at batch 3, the rest of the epoch is the same.
        var whole = loader.Epoch(2).Select(b => b.Indices.ToArray()).ToArray();
        Assert.Equal(whole[3..], loader.Epoch(2, firstBatch: 3).Select(b => b.Indices.ToArray()));
        // Every position gets every image about equally often: chi-square of the first position over 4,000 epochs, 9 degrees of
        // freedom; beyond 40 with probability 1e-5.
        var counts = new int[10];
        var ten = new BatchLoader(Set, Normalisation.Half, options);
        for (var epoch = 0; epoch < 4000; epoch++)
            counts[ten.Order(epoch)[0]]++;
        Assert.True(counts.Sum(n => (n - 400.0) * (n - 400.0) / 400) < 40, string.Join(" ", counts));
    }

    [Fact]
    public void Augmentation_is_a_crop_then_a_mirror()
    {
        var options = new BatchOptions { BatchSize = 10, Augmentation = Augmentation.CropAndFlip, Seed = 11 };
        var loader = Loader(options);
        var moved = 0;
        foreach (var epoch in Enumerable.Range(0, 20))
        {
            foreach (var batch in loader.Epoch(epoch))
            {
                var images = batch.Images.ToArray();
                for (var i = 0; i < batch.Count; i++)
                {
                    var image = images.AsSpan(i * Set.ImageSize, Set.ImageSize).ToArray();
                    // One of 9 x 9 x 2 transforms of the original; written here pixel by pixel.
                    var fits = from mirror in (bool[])[false, true]
                               from down in Enumerable.Range(-4, 9)
                               from right in Enumerable.Range(-4, 9)
                               where Transform(batch.Indices[i], mirror, down, right).AsSpan().SequenceEqual(image)
                               select (mirror, down, right);
                    var found = fits.ToArray();
                    Assert.NotEmpty(found);
                    moved += found.Contains((false, 0, 0)) ? 0 : 1;
                }
            }
        }

        // 1 in 162 stays as it is: of 200 images about 1.
        Assert.InRange(moved, 190, 200);
    }

    [Fact]
    public void A_flip_happens_to_half_of_the_images_and_depends_on_the_image_alone()
    {
        var set = Big();
        var options = new BatchOptions { BatchSize = 64, Augmentation = Augmentation.Flip, Seed = 5 };
        var images = Images(new BatchLoader(set, Normalisation.Half, options), set.Count, 0);
        var plain = Images(new BatchLoader(set, Normalisation.Half), set.Count, 0);
        var flipped = Enumerable.Range(0, set.Count).Count(i => !images[i].AsSpan().SequenceEqual(plain[i]));
        // Binomial(2000, 1/2): standard deviation 22; five of them.
        Assert.InRange(flipped, 890, 1110);
        // The same image is changed in the same way in a subset, another batch size and another order.
        int[] some = [1999, 3, 700];
        var subset = Images(new BatchLoader(set.Subset(some, "some"), Normalisation.Half, options with { BatchSize = 2, Shuffle = true }), 3, 0);
        for (var i = 0; i < some.Length; i++)
            Assert.Equal(images[some[i]], subset[i]);
        Assert.NotEqual(images, Images(new BatchLoader(set, Normalisation.Half, options), set.Count, 1));
    }

    [Fact]
    public void A_batch_ends_with_the_next_one_and_no_tensor_is_left()
    {
        var loader = Loader(new BatchOptions { BatchSize = 4 });
        Batch? last = null;
        using (Tensor.Scope())
        {
            foreach (var batch in loader.Epoch())
            {
                Assert.True(last is null || last.Images.IsDisposed);
                Assert.False(batch.Images.IsDisposed);
                last = batch;
            }
        }

        Assert.True(last!.Images.IsDisposed && last.Labels.IsDisposed);
        using (var epoch = loader.Epoch().GetEnumerator())
        {
            Assert.True(epoch.MoveNext());
            last = epoch.Current;
        }

        Assert.True(last.Images.IsDisposed);
    }

    [Fact]
    public void Options_are_checked()
    {
        Assert.Throws<UsageException>(() => Loader(new BatchOptions { BatchSize = 0 }));
        Assert.Throws<UsageException>(() => Loader(new BatchOptions { Augmentation = new Augmentation(false, -1) }));
        Assert.Throws<UsageException>(() => new BatchLoader(ImageSetTests.Synthetic(1, 2, 2, 1, 0), Normalisation.ImageNet));
        Assert.Throws<ArgumentOutOfRangeException>(() => Loader(new BatchOptions()).Epoch(-1));
    }

    private static BatchLoader Loader(BatchOptions options) => new(Set, Normalisation.Cifar10, options);

    private static ImageSet Big() => ImageSetTests.Synthetic(2000, 2, 2, 3, [.. Enumerable.Range(0, 2000).Select(i => i % 3)]);

    private static float[] Transform(int index, bool mirror, int down, int right)
    {
        var y = new float[Set.ImageSize];
        for (var row = 0; row < 5; row++)
        {
            for (var column = 0; column < 4; column++)
            {
                int fromRow = row + down, fromColumn = (mirror ? 3 - column : column) + right;
                for (var c = 0; c < 3; c++)
                {
                    var inside = fromRow is >= 0 and < 5 && fromColumn is >= 0 and < 4;
                    y[(((row * 4) + column) * 3) + c] = Table[(c << 8) + (inside ? Set.Pixels(index)[(((fromRow * 4) + fromColumn) * 3) + c] : 0)];
                }
            }
        }

        return y;
    }

    // By position in the loader's set, whatever the order of the batches.
    private static float[][] Images(BatchLoader loader, int count, int epoch)
    {
        var images = new float[count][];
        foreach (var batch in loader.Epoch(epoch))
        {
            var values = batch.Images.ToArray();
            for (var i = 0; i < batch.Count; i++)
                images[batch.Indices[i]] = values[(i * loader.Set.ImageSize)..((i + 1) * loader.Set.ImageSize)];
        }

        return images;
    }
}
