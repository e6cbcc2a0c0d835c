using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Tests.Data;

public sealed class FaceTests
{
    [Fact]
    public void The_orl_faces_are_forty_people_with_ten_images_each()
    {
        var data = DataFolder.Open(TestData.FacesFolder);
        Assert.Equal((320, 80, 40), (data.Train.Count, data.Test.Count, data.ClassNames.Count));
        Assert.Equal((32, 32, 3), (data.Train.Height, data.Train.Width, data.Train.Channels));
        Assert.Equal(["s1", "s2", "s3"], data.ClassNames.Take(3));
        Assert.All(data.Train.CountPerClass(), count => Assert.Equal(8, count));
        var ten = DataFolder.Open(TestData.FacesFolder, identities: 10);
        Assert.Equal((80, 20, "s10"), (ten.Train.Count, ten.Test.Count, ten.ClassNames[^1]));
        // Grey stays grey, and the first image is the first file's.
        Assert.All(Enumerable.Range(0, 1024), i => Assert.Equal(ten.Train.Pixels(0)[3 * i], ten.Train.Pixels(0)[(3 * i) + 2]));
        Assert.Equal(ten.Train.Pixels(0), data.Train.Pixels(0));
    }

    [Fact]
    public void Colour_grey_and_comments_are_read()
    {
        using var folder = new TemporaryFolder();
        var grey = PnmReader.Read(folder.Write("a.pgm", Pnm("P5\n# a face\n2 # wide\n 1\n255\n", 7, 8)));
        Assert.Equal((1, 2, 1), (grey.Height, grey.Width, grey.Channels));
        Assert.Equal([7, 8], grey.Pixels.ToArray());
        Assert.Equal([7, 7, 7, 8, 8, 8], grey.InColour().Pixels.ToArray());
        var colour = PnmReader.Read(folder.Write("a.ppm", Pnm("P6 1 2 255\n", 1, 2, 3, 10, 11, 12)));
        Assert.Equal((2, 1, 3), (colour.Height, colour.Width, colour.Channels));
        Assert.Same(colour, colour.InColour());
        // A first pixel that is white space is a pixel.
        Assert.Equal([10], PnmReader.Read(folder.Write("b.pgm", Pnm("P5 1 1 255\n", 10))).Pixels.ToArray());
    }

    [Theory]
    [InlineData("P2 1 1 255\n0", "at byte 0", "is not a binary PGM (P5) or PPM (P6)")]
    [InlineData("P5 0 1 255\n0", "at byte 3", "the width is missing, or not from 1")]
    [InlineData("P5 1", "at byte 3", "the width is missing")]
    [InlineData("P5 1 x 255\n0", "at byte 5", "the height is missing")]
    [InlineData("P5 1 1 65535\n00", "at byte 12", "has values up to 65535; 8 bits")]
    [InlineData("P5 2 2 255\n012", "at byte 11", "has 3 bytes of pixels; 2 x 2 with 1 channels has 4")]
    [InlineData("P6 1 1 255\n0123", "at byte 11", "has 4 bytes of pixels")]
    [InlineData("", "at byte 0", "is not a binary PGM")]
    public void A_damaged_image_is_refused_with_its_offset(string content, string where, string why)
    {
        using var folder = new TemporaryFolder();
        var failure = Assert.Throws<DataFormatException>(() => PnmReader.Read(folder.Write("face.pgm", Encoding.Latin1.GetBytes(content))));
        Assert.Contains("face.pgm", failure.Message, StringComparison.Ordinal);
        Assert.Contains(where.Replace("at byte ", "", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(92, 112, 32, 32)]
    [InlineData(7, 5, 32, 32)]
    [InlineData(32, 1, 1, 32)]
    [InlineData(33, 31, 32, 32)]
    public void Resizing_is_the_triangle_filter_of_the_definition(int fromHeight, int fromWidth, int height, int width)
    {
        var random = new Random(fromHeight);
        var pixels = new byte[fromHeight * fromWidth * 3];
        random.NextBytes(pixels);
        var mine = new Image(fromHeight, fromWidth, 3, pixels).Resize(height, width);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                for (var c = 0; c < 3; c++)
                {
                    // Every input pixel weighs 1 - distance / reach, if that is positive.
                    double sum = 0, total = 0;
                    for (var v = 0; v < fromHeight; v++)
                    {
                        for (var u = 0; u < fromWidth; u++)
                        {
                            var weight = Weight(v, y, fromHeight, height) * Weight(u, x, fromWidth, width);
                            sum += weight * pixels[(((v * fromWidth) + u) * 3) + c];
                            total += weight;
                        }
                    }

                    // Rows are stored as bytes in between, as Pillow stores them.
                    Assert.InRange(mine.Pixels.Span[(((y * width) + x) * 3) + c], (sum / total) - 1.01, (sum / total) + 1.01);
                }
            }
        }

        static double Weight(int input, int output, int from, int to)
        {
            var scale = (double)from / to;
            return Math.Max(0, 1 - (Math.Abs(input + 0.5 - ((output + 0.5) * scale)) / Math.Max(scale, 1)));
        }
    }

    [Fact]
    public void People_are_split_by_file_name_or_by_folders()
    {
        using var folder = new TemporaryFolder();
        foreach (var person in (string[])["bob", "anna10", "anna9"])
        {
            for (var i = 1; i <= 11; i++)
                folder.Write($"{person}/{i}.pgm", Pnm("P5 1 1 255\n", (byte)i));
        }

        var data = FaceFolder.ReadFolder(folder.Path, side: 1);
        Assert.Equal(["anna9", "anna10", "bob"], data.ClassNames);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], Enumerable.Range(0, 9).Select(i => (int)data.Train.Pixels(i)[0]));
        Assert.Equal([10, 11], Enumerable.Range(0, 2).Select(i => (int)data.Test.Pixels(i)[0]));

        using var parted = new TemporaryFolder();
        foreach (var person in (string[])["a", "b"])
        {
            parted.Write($"train/{person}/x.pgm", Pnm("P5 1 1 255\n", 1));
            parted.Write($"test/{person}/y.pgm", Pnm("P5 1 1 255\n", 2));
        }

        var cut = DataFolder.Open(parted.Path);
        Assert.Equal((2, 2), (cut.Train.Count, cut.Test.Count));
        Assert.Equal(2, cut.Test.Pixels(1)[0]);
        Directory.Delete(parted["test/b"], true);
        Assert.Contains("has no images, but the training part has this person", Assert.Throws<DataFormatException>(() => DataFolder.Open(parted.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_that_cannot_be_used_say_why()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("has no faces", Assert.Throws<DataFormatException>(() => FaceFolder.ReadFolder(folder.Path)).Message, StringComparison.Ordinal);
        folder.Write("a/1.pgm", Pnm("P5 1 1 255\n", 1));
        Assert.Contains("has images of 1 person", Assert.Throws<DataFormatException>(() => FaceFolder.ReadFolder(folder.Path)).Message, StringComparison.Ordinal);
        folder.Write("b/1.pgm", Pnm("P5 1 1 255\n", 1));
        Assert.Contains("has one image", Assert.Throws<DataFormatException>(() => FaceFolder.ReadFolder(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Contains("got 3, ", Assert.Throws<UsageException>(() => FaceFolder.ReadFolder(folder.Path, 3)).Message, StringComparison.Ordinal);
        Assert.Contains("leave it out", Assert.Throws<UsageException>(() => DataFolder.Open("embedded", identities: 3)).Message, StringComparison.Ordinal);
    }

    private static byte[] Pnm(string header, params ReadOnlySpan<byte> pixels) => [.. Encoding.ASCII.GetBytes(header), .. pixels];
}
