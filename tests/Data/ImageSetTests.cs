using EscNative.Models.Data;

namespace EscNative.Tests.Data;

public sealed class ImageSetTests
{
    private static readonly ImageSet Set = Synthetic(6, 2, 3, 1, 0, 1, 2, 0, 1, 2);

    [Fact]
    public void A_subset_keeps_ids_and_shares_pixels()
    {
        var subset = Set.Subset([4, 1, 3], "some");
        Assert.Equal((3, "some"), (subset.Count, subset.Name));
        Assert.Equal([1, 1, 0], subset.Labels());
        Assert.Equal(4, subset.Id(0));
        Assert.True(subset.Pixels(0).Overlaps(Set.Pixels(4)));
        var again = subset.Subset([2, 0], "fewer");
        Assert.Equal([3, 4], Enumerable.Range(0, 2).Select(again.Id));
        Assert.Equal(Set.Pixels(3).ToArray(), again.Pixels(0).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => again.Subset([2], "none"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Set.Subset([-1], "none"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Set.Pixels(6));
        Assert.Throws<ArgumentOutOfRangeException>(() => Set.Label(-1));
        Assert.Equal(0, Set.Subset([], "empty").Count);
    }

    [Fact]
    public void The_hash_follows_the_content_alone()
    {
        // SHA-256 of the documented bytes, by hand: one image of 1 x 1 x 1 with value 7 and label 0.
        var one = new ImageSet("any name", [7], [0], 1, 1, 1, ["a"]);
        byte[] canonical = [.. "escnative.images/1\n"u8, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7];
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(canonical)), one.ContentHash());
        Assert.Equal(Set.ContentHash(), Set.Subset([0, 1, 2, 3, 4, 5], "all").ContentHash());
        var hashes = new[] { Set, Set.Subset([1, 0, 2, 3, 4, 5], "order"), Set.Subset([0], "one"), Synthetic(6, 3, 2, 1, 0, 1, 2, 0, 1, 2), Synthetic(6, 2, 3, 1, 1, 1, 2, 0, 1, 2) };
        Assert.Equal(hashes.Length, hashes.Select(s => s.ContentHash()).Distinct().Count());
    }

    [Fact]
    public void Fit_pads_with_black_and_repeats_grey()
    {
        var fitted = Set.Fit(4, 6, 3);
        for (var y = 0; y < 4; y++)
        {
            for (var x = 0; x < 6; x++)
            {
                // 2 x 3 in the middle of 4 x 6: one row above, one column left, two right.
                var inside = y is 1 or 2 && x is >= 1 and <= 3;
                for (var c = 0; c < 3; c++)
                    Assert.Equal(inside ? Set.Pixels(5)[((y - 1) * 3) + x - 1] : 0, fitted.Pixels(5)[(((y * 6) + x) * 3) + c]);
            }
        }

        Assert.Same(Set, Set.Fit(2, 3, 1));
        Assert.Throws<UsageException>(() => Set.Fit(1, 3, 1));
        Assert.Contains("most would be black", Assert.Throws<UsageException>(() => Set.Fit(5, 3, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("most would be black", Assert.Throws<UsageException>(() => Set.Fit(2, 7, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => fitted.Fit(4, 6, 1));
        var colour = Synthetic(1, 2, 2, 3, 0).Fit(3, 3, 3);
        Assert.Equal(Synthetic(1, 2, 2, 3, 0).Pixels(0)[6..12].ToArray(), colour.Pixels(0)[9..15].ToArray());
    }

    [Fact]
    public void Sizes_and_labels_must_agree()
    {
        Assert.Throws<ArgumentException>(() => new ImageSet("x", new byte[5], [0], 2, 3, 1, ["a"]));
        Assert.Throws<ArgumentException>(() => new ImageSet("x", new byte[6], [1], 2, 3, 1, ["a"]));
        Assert.Throws<ArgumentException>(() => new ImageSet("x", new byte[6], [-1], 2, 3, 1, ["a"]));
    }

    [Fact]
    public void Normalisation_is_that_of_torchvision()
    {
        var half = Normalisation.Half.Table(3);
        Assert.Equal((-1f, 1f), (half[0], half[255]));
        // float32(float32(100 / 255) - 0.5) / 0.5, each step rounded.
        Assert.Equal(((100f / 255f) - 0.5f) / 0.5f, half[256 + 100]);
        var imageNet = Normalisation.ImageNet.Table(3);
        Assert.Equal(((17f / 255f) - 0.406f) / 0.225f, imageNet[512 + 17]);
        Assert.Throws<UsageException>(() => Normalisation.ImageNet.Table(1));
        Assert.Same(Normalisation.Lacuna10, Normalisation.Parse("lacuna10"));
        Assert.Throws<UsageException>(() => Normalisation.Parse("none"));
        Assert.Throws<ArgumentException>(() => new Normalisation("x", [0.5f], [0f]));
        Assert.Throws<ArgumentException>(() => new Normalisation("x", [0.5f, 0.5f], [1f]));
        Assert.Throws<ArgumentException>(() => new Normalisation("x", [float.NaN], [1f]));
    }

    internal static ImageSet Synthetic(int count, int height, int width, int channels, params int[] labels)
    {
        var pixels = new byte[count * height * width * channels];
        new Random(17).NextBytes(pixels);
        return new ImageSet("synthetic", pixels, labels, height, width, channels, ["a", "b", "c"]);
    }
}
