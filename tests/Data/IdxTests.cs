using System.IO.Compression;
using EscNative.Engine.Formats;
using EscNative.Models.Data;
using EscNative.Tests.Formats;

namespace EscNative.Tests.Data;

public sealed class IdxTests
{
    private const string TrainImages = "train-images-idx3-ubyte";
    private const string TrainLabels = "train-labels-idx1-ubyte";
    private const string TestImages = "t10k-images-idx3-ubyte";
    private const string TestLabels = "t10k-labels-idx1-ubyte";

    [Fact]
    public void The_embedded_set_is_fashion_in_the_frame_of_cifar()
    {
        var data = DataFolder.Open("embedded");
        Assert.Equal((1500, 500), (data.Train.Count, data.Test.Count));
        Assert.Equal((32, 32, 3), (data.Train.Height, data.Train.Width, data.Train.Channels));
        Assert.Equal("ankle boot", data.ClassNames[9]);
        Assert.All(data.Train.CountPerClass(), n => Assert.Equal(150, n));
        Assert.All(data.Test.CountPerClass(), n => Assert.Equal(50, n));
        Assert.Equal(2, data.Notes.Count);
        // A border of 2 black pixels, and three equal channels.
        var image = data.Train.Pixels(7);
        Assert.Equal(0, image[..(2 * 32 * 3)].ToArray().Max());
        Assert.Equal(0, image[^(2 * 32 * 3)..].ToArray().Max());
        Assert.True(image.ToArray().Max() > 100);
        for (var i = 0; i < image.Length; i += 3)
            Assert.True(image[i] == image[i + 1] && image[i] == image[i + 2]);
    }

    [Fact]
    public void The_embedded_set_equals_its_files()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])[TrainImages, TrainLabels, TestImages, TestLabels])
            File.Copy(TestData.Small($"fashion-mini-{name}.gz"), folder[$"fashion-mini-{name}.gz"]);
        var data = DataFolder.Open(folder.Path);
        Assert.Equal((28, 28, 1), (data.Train.Height, data.Train.Width, data.Train.Channels));
        Assert.Equal("trouser", data.ClassNames[1]);
        var fitted = data.Fit(32, 32, 3);
        var embedded = EmbeddedData.Open();
        Assert.Equal(fitted.Train.ContentHash(), embedded.Train.ContentHash());
        Assert.Equal(fitted.Test.ContentHash(), embedded.Test.ContentHash());
        // Pixel (5, 6) of image 3 straight from the file.
        using var zip = new GZipStream(File.OpenRead(folder[$"fashion-mini-{TrainImages}.gz"]), CompressionMode.Decompress);
        var raw = new byte[16 + (4 * 784)];
        zip.ReadExactly(raw);
        Assert.Equal(raw[(16 + (3 * 784))..], data.Train.Pixels(3).ToArray());
        Assert.Equal(raw[16 + (3 * 784) + (5 * 28) + 6], embedded.Train.Pixels(3)[(((7 * 32) + 8) * 3) + 1]);
    }

    [Fact]
    public void Plain_and_gzipped_files_are_told_apart_by_content()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        var plain = DataFolder.Open(folder.Path);
        // A gzipped file without the usual extension.
        folder.Write(TrainImages, Zip(Images(3, 2, 2)));
        Assert.Equal(plain.Train.ContentHash(), DataFolder.Open(folder.Path).Train.ContentHash());
        Assert.Equal(["0", "1", "2"], plain.ClassNames);
    }

    [Fact]
    public void A_set_with_more_classes_than_digits_is_read()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        folder.Write(TrainLabels, Labels(0, 46, 1));
        Assert.Equal(["0", "1", "46"], DataFolder.Open(folder.Path).ClassNames);
    }

    [Fact]
    public void Incomplete_and_ambiguous_folders_are_named()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        File.Delete(folder[TestLabels]);
        BadFile.Refused(folder.Path, null, "none for t10k-labels", () => DataFolder.Open(folder.Path));
        folder.Write(TestLabels, Labels(0));
        folder.Write(TestLabels + ".gz", Zip(Labels(0)));
        BadFile.Refused(folder.Path, null, "has 2 files for t10k-labels", () => DataFolder.Open(folder.Path));
    }

    [Fact]
    public void Bad_files_are_refused_at_their_place()
    {
        Check(TrainImages, Labels(1, 2), 0, "starts with 00000801; an IDX file of images starts with 00000803");
        Check(TrainLabels, Images(1, 2, 2), 0, "an IDX file of labels starts with 00000801");
        Check(TrainImages, Images(3, 2, 2)[..15], 15, "1 more bytes were expected");
        Check(TrainImages, Images(3, 2, 2)[..^1], 16 + 11, "1 more bytes were expected");
        Check(TrainImages, [.. Images(3, 2, 2), 0], 16 + 12, "more than the 12 bytes");
        Check(TrainImages, Zip(Images(3, 2, 2)[..^1]), 16 + 11, "1 more bytes were expected");
        Check(TrainImages, [], 0, "4 more bytes were expected");
        Check(TrainImages, Images(0, 2, 2), 4, "holds no image");
        Check(TrainImages, Images(3, 0, 2), 8, "images of [0, 2]");
        Check(TrainImages, [0, 0, 8, 3, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1], 4, "too large");
        Check(TrainImages, [0, 0, 8, 3, 0x7f, 0, 0, 0, 0x7f, 0, 0, 0, 0x7f, 0, 0, 0], 8, "too large");
        Check(TrainLabels, Labels(1, 2), 4, "holds 2 labels for 3 images");
        Check(TestLabels, Labels(10), 8, "label 10 is out of range; wants 0 to 2");
        Check(TestImages, Images(1, 3, 2), 8, "the training images are [2, 2]");

        static void Check(string file, byte[] content, long offset, string rule)
        {
            using var folder = new TemporaryFolder();
            WriteSet(folder);
            var path = folder.Write(file, content);
            BadFile.Refused(path, offset, rule, () => DataFolder.Open(folder.Path));
        }
    }

    [Fact]
    public void A_damaged_gzip_is_refused()
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        var zipped = Zip(Images(3, 2, 2));
        // The stored checksum and length end the file.
        zipped[^6] ^= 1;
        var path = folder.Write(TrainImages, zipped);
        // How far it got is up to the decompressor's buffers.
        var failure = Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path));
        Assert.Equal(path, failure.File);
        Assert.Contains("cannot be read on", failure.Rule, StringComparison.Ordinal);
    }

    [Theory]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    [InlineData(false)]
    [InlineData(true)]
    public void Damaged_files_are_refused_in_order(bool zipped)
    {
        using var folder = new TemporaryFolder();
        WriteSet(folder);
        var valid = zipped ? Zip(Images(3, 2, 2)) : Images(3, 2, 2);
        FuzzRun.Run($"idx zipped={zipped}", valid, valid.Length, input =>
        {
            folder.Write(TrainImages, input);
            DataFolder.Open(folder.Path);
        });
    }

    private static void WriteSet(TemporaryFolder folder)
    {
        folder.Write(TrainImages, Images(3, 2, 2));
        folder.Write(TrainLabels, Labels(0, 1, 2));
        folder.Write(TestImages, Images(1, 2, 2));
        folder.Write(TestLabels, Labels(1));
    }

    private static byte[] Images(byte count, byte height, byte width)
    {
        var pixels = new byte[count * height * width];
        new Random(3).NextBytes(pixels);
        return [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, height, 0, 0, 0, width, .. pixels];
    }

    private static byte[] Labels(params byte[] labels) => [0, 0, 8, 1, 0, 0, 0, (byte)labels.Length, .. labels];

    private static byte[] Zip(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var zip = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true))
            zip.Write(content);
        return stream.ToArray();
    }
}
