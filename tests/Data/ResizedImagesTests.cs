using EscNative.Models.Data;

namespace EscNative.Tests.Data;

/// <summary>Images that are stored in one size, in another.</summary>
public sealed class ResizedImagesTests
{
    [Theory]
    [InlineData(5, 7, 3, 9, 4, 3)]
    [InlineData(5, 7, 1, 9, 4, 3)]
    [InlineData(8, 3, 3, 4, 4, 1)]
    [InlineData(1, 1, 1, 3, 2, 3)]
    public void They_are_those_of_the_transform_kept_or_not(int height, int width, int channels, int toHeight, int toWidth, int toChannels)
    {
        var pixels = Enumerable.Range(0, 6 * height * width * channels).Select(i => (byte)(i * 37)).ToArray();
        var set = new ImageSet("six", pixels, [0, 1, 0, 1, 0, 1], height, width, channels, ["a", "b"]);
        var data = new DataSet("six", set, set.Subset([4, 1], "two"), Normalisation.Half);
        foreach (var transform in ImageTransform.All)
        {
            var options = new PhotoOptions { Height = toHeight, Width = toWidth, Channels = toChannels, Transform = transform };
            var (kept, passing) = (data.Resize(options), data.Resize(options with { MemoryBudget = 0 }));
            Assert.True(kept.Train.IsInMemory && !passing.Train.IsInMemory);
            Assert.Equal(transform, kept.Transform);
            Assert.Equal(transform.Name, kept.Record.Transform);
            Assert.Equal(kept.Record.Fingerprint, passing.Record.Fingerprint);
            Assert.Contains(passing.Notes, note => note.Contains("resized again in every pass", StringComparison.Ordinal));
            Assert.Equal(channels == 3 && toChannels == 1, kept.Notes.Contains("six: the colours became grey: the network takes one channel"));
            Assert.Equal([0, 1], kept.Test.Labels());
            for (var i = 0; i < 6; i++)
            {
                var image = new Image(height, width, channels, set.Pixels(i).ToArray());
                var wanted = transform.Apply(toChannels == 1 ? image.InGrey() : image, toHeight, toWidth);
                Assert.Equal((toChannels == 3 ? wanted.InColour() : wanted).Pixels.ToArray(), kept.Train.Pixels(i).ToArray());
                Assert.Equal(kept.Train.Pixels(i).ToArray(), passing.Train.Pixels(i).ToArray());
            }

            var rows = new byte[2 * kept.Train.ImageSize];
            passing.Test.Read([1, 0], rows);
            Assert.Equal([.. kept.Train.Pixels(1), .. kept.Train.Pixels(4)], rows);
        }
    }

    [Fact]
    public void It_is_cancelled_between_blocks()
    {
        var set = new ImageSet("one", [1, 2, 3], [0], 1, 1, 3, ["a"]);
        Assert.Throws<OperationCanceledException>(() => new DataSet("one", set, set, Normalisation.Half).Resize(new PhotoOptions { Cancel = new CancellationToken(true) }));
    }
}
