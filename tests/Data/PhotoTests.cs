using System.Text;
using EscNative.Engine.Formats;
using EscNative.Images;
using EscNative.Models.Data;
using EscNative.Tests.Formats;
using EscNative.Tests.Photos;
using SkiaSharp;

namespace EscNative.Tests.Data;

public sealed class PhotoTests : IDisposable
{
    private static readonly PhotoOptions Options = new() { Decoder = new SkiaImageDecoder(), Height = 4, Width = 4 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Classes_and_photos_come_in_torchvisions_order_and_nothing_is_left_out_without_a_word()
    {
        // Beyond 16 bits sorts last, though its first UTF-16 unit is smaller than that of the one before.
        foreach (var (name, level) in (IEnumerable<(string, byte)>)[("10", 10), ("9", 20), ("B", 30), ("a", 40), ("é", 50), ("\uff21", 60), ("😀", 70)])
        {
            Write($"{name}/10.png", level, 1, 0);
            Write($"{name}/1.png", level, 0, 0);
            Write($"{name}/2.PNG", level, 2, 0);
            Write($"{name}/deeper/0.bmp", level, 3, 0);
        }

        Write(".git/1.png", 1, 1, 1);
        Write("a/._1.png", 1, 1, 1);
        _folder.Write("a/Thumbs.db", [1]);
        _folder.Write("a/notes.txt", [1]);
        _folder.Write("a/scan.tif", [1]);
        Write("root.png", 1, 1, 1);
        _folder.Write("empty/readme.md", [1]);
        var data = Open();
        Assert.Equal(["10", "9", "B", "a", "é", "\uff21", "😀"], data.ClassNames);
        // A fifth of four is none, so one of each class is drawn.
        Assert.Equal((21, 7, "photos", "imagenet"), (data.Train.Count, data.Test.Count, data.Name, data.Normalisation.Name));
        Assert.All(data.Test.CountPerClass(), n => Assert.Equal(1, n));
        var order = Enumerable.Range(0, 21).Select(i => (data.Train.Label(i), (int)data.Train.Pixels(i)[0], (int)data.Train.Pixels(i)[1])).ToArray();
        Assert.Equal(order.Order(), order);
        Assert.All(order, one => Assert.Equal((one.Item1 + 1) * 10, one.Item2));
        Assert.Equal(
            [
                "photos: Resize((4, 4)) bilinear (stretch)", "photos: 3 hidden files and folders were passed over", "photos: 2 files that are no photos were passed over (for example notes.txt)",
                "photos: 2 photos of formats that are not read, or outside of the folders of classes, were passed over (for example scan.tif)",
                "photos: 1 folder without photos was passed over (empty)", "photos: no part to test with; 20 % of every class, drawn by the seed 0, are the test set",
            ],
            data.Notes);
        Assert.Equal(data.Train.ContentHash(), Open().Train.ContentHash());
        Assert.NotEqual(data.Train.ContentHash(), Open(Options with { SplitSeed = 1 }).Train.ContentHash());
        Assert.Equal(["10", "9"], DataFolder.Open(_folder.Path, Options, identities: 2).ClassNames);
        Assert.Contains("got 8, ", Assert.Throws<UsageException>(() => DataFolder.Open(_folder.Path, Options, identities: 8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_to_test_with_is_found_by_its_name()
    {
        foreach (var name in (string[])["cat", "dog"])
        {
            Write($"train/{name}/1.png", 1, 0, 0);
            Write($"train/{name}/2.png", 2, 0, 0);
            Write($"val/{name}/1.png", 3, 0, 0);
        }

        Write("test/images/1.png", 4, 0, 0);
        var data = Open();
        Assert.Equal((4, 2), (data.Train.Count, data.Test.Count));
        Assert.Equal(3, data.Test.Pixels(1)[0]);
        Assert.Contains("photos: 1 photos in 'test' were passed over: it is no part to test with, or has no class of the training part", data.Notes);
        Write("test/cat/1.png", 5, 0, 0);
        Refused("is a class that the training part does not have; it has cat, dog");
        Directory.Delete(_folder["test/images"], true);
        data = Open();
        Assert.Equal((1, 5), (data.Test.Count, data.Test.Pixels(0)[0]));
        Assert.Contains("photos: 1 of 2 classes have no photos in 'test' (for example dog)", data.Notes);
        Assert.Contains("photos: 2 photos in 'val' were passed over: another part is the test set", data.Notes);
    }

    [Fact]
    public void Tiny_ImageNets_layout_is_read()
    {
        _folder.Write("wnids.txt", "n02\nn01\nn03\n"u8.ToArray());
        _folder.Write("words.txt", "n01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane, lifting device\nn09\tother\n"u8.ToArray());
        foreach (var (id, level) in (IEnumerable<(string, byte)>)[("n01", 10), ("n02", 20), ("n03", 30)])
        {
            Write($"train/{id}/images/{id}_0.JPEG", level, 0, 0, SKEncodedImageFormat.Jpeg);
            Write($"train/{id}/images/{id}_1.JPEG", level, 0, 0, SKEncodedImageFormat.Jpeg);
            _folder.Write($"train/{id}/{id}_boxes.txt", [1]);
        }

        Write("val/images/val_0.JPEG", 30, 0, 0, SKEncodedImageFormat.Jpeg);
        Write("val/images/val_1.JPEG", 10, 0, 0, SKEncodedImageFormat.Jpeg);
        Write("val/images/val_9.JPEG", 10, 0, 0, SKEncodedImageFormat.Jpeg);
        Write("test/images/test_0.JPEG", 10, 0, 0, SKEncodedImageFormat.Jpeg);
        _folder.Write("val/val_annotations.txt", "val_0.JPEG\tn03\t0\t32\t44\t62\nval_1.JPEG\tn01\t0\t0\t1\t1\n"u8.ToArray());
        var data = Open();
        Assert.Equal(["goldfish", "crane (n02)", "crane (n03)"], data.ClassNames);
        Assert.Equal((6, "Tiny-ImageNet"), (data.Train.Count, data.Name));
        Assert.Equal([2, 0], data.Test.Labels());
        Assert.Equal([30, 10], Enumerable.Range(0, 2).Select(i => (int)data.Test.Pixels(i)[0]));
        Assert.Equal(
            [
                "Tiny-ImageNet: Resize((4, 4)) bilinear (stretch)", "Tiny-ImageNet: classes are numbered by their sorted identifiers, not in the order of wnids.txt",
                "Tiny-ImageNet: 1 photos in 'test' have no labels and were passed over", "Tiny-ImageNet: 1 photos in 'val' that val_annotations.txt does not name were passed over",
            ],
            data.Notes);
        foreach (var (line, offset, says) in (IEnumerable<(string, int, string)>)[("val_2.JPEG", 11, "line 2: wants a file's name, a tab and its class"), ("val_2.JPEG\tn07", 11, "line 2: 'n07' is no class of wnids.txt"), ("a\tn01", 11, "line 2: a stands in an earlier line"), ("../x\tn01", 11, "line 2: wants a file's name")])
        {
            _folder.Write("val/val_annotations.txt", Encoding.ASCII.GetBytes($"{(line[0] == 'a' ? "a\tn01\n\n\n\n\n" : "v.JPEG\tn01")}\n{line}\n"));
            var refused = Assert.Throws<DataFormatException>(() => Open());
            Assert.Contains(line[0] == 'a' ? says.Replace("line 2", "line 7", StringComparison.Ordinal) : says, refused.Rule, StringComparison.Ordinal);
            Assert.Equal(offset, refused.Offset);
        }

        File.Delete(_folder["val/val_annotations.txt"]);
        Refused("is no class of wnids.txt; val_annotations.txt is missing");
        _folder.Write("wnids.txt", "n02\nn04\n"u8.ToArray());
        Refused("has no photos, but wnids.txt names this class");
    }

    [Fact]
    public void Photos_that_are_not_sorted_into_classes_are_refused_with_what_is_missing()
    {
        Write("a.png", 1, 2, 3);
        BadFile.Refused(_folder.Path, null, "has photos that lie in no folder", () => Open(Options));
        Write("one/a.png", 1, 2, 3);
        BadFile.Refused(_folder.Path, null, "has photos in one folder alone ('one')", () => Open(Options));
        for (var i = 0; i < 2; i++)
        {
            Write($"one/{i}.png", 1, 2, 3);
            Write($"two/{i}.png", 1, 2, 3);
        }

        Assert.Equal(["one", "two"], Open(Options).ClassNames);
    }

    [Fact]
    public void A_table_names_photos_classes_people_and_parts()
    {
        for (var i = 0; i < 6; i++)
            Write($"p {i}, a.png", (byte)(10 * i), 0, 0);
        var table = _folder.Write("labels.csv", "\ufeffsubject,Label,PATH,split\r\nanna,10,\"p 0, a.png\",train\r\n\"bob \"\"b\"\"\",9,\"p 1, a.png\",train\n\nanna,9,\"p 2, a.png\",train\n,10,\"p 3, a.png\",train\nanna,9,\"p 4, a.png\",val\n x , 10 , \"p 5, a.png\" , test "u8.ToArray());
        foreach (var path in (string[])[table, _folder.Path])
        {
            var data = DataFolder.Open(path, Options);
            Assert.Equal(["9", "10"], data.ClassNames);
            Assert.Equal([1, 0, 0, 1], data.Train.Labels());
            Assert.Equal([0, 1], data.Test.Labels());
            Assert.Equal(["anna", "bob \"b\"", "anna", ""], data.Subjects!);
            Assert.Equal([0, 2], ForgetRequest.ParseSubjects("anna", data).Indices.ToArray());
            Assert.Equal([0, 1, 2], ForgetRequest.ParseSubjects("anna, bob \"b\"", data).Indices.ToArray());
            Assert.Contains("got 'carl', photos has training images of anna, bob", Assert.Throws<UsageException>(() => ForgetRequest.ParseSubjects("carl", data)).Message, StringComparison.Ordinal);
            var rest = ForgetSplit.Create(data, ForgetRequest.ParseSubjects("anna", data)).Remaining;
            Assert.Equal([1], ForgetRequest.ParseSubjects("bob \"b\"", rest).Indices.ToArray());
        }

        _folder.Write("plain.csv", "\"p 0, a.png\",b\n\"p 1, a.png\",a\n\"p 2, a.png\",a\n\"p 3, a.png\",b"u8.ToArray());
        var plain = DataFolder.Open(_folder["plain.csv"], Options);
        Assert.Equal((2, 2), (plain.Train.Count, plain.Test.Count));
        Assert.Equal(["a", "b"], plain.ClassNames);
        Assert.Contains("does not say whom an image shows", Assert.Throws<UsageException>(() => ForgetRequest.ParseSubjects("anna", plain)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 0, "is empty")]
    [InlineData("path,label\n", 0, "has a header and no rows")]
    [InlineData("path,kind\na.png,x\n", 0, "the header has no column 'label'; it has path, kind")]
    [InlineData("a.png\n", 0, "line 1: has 1 field, wants path,label")]
    [InlineData("a.png,x\n,y\n", 8, "line 2: has no path")]
    [InlineData("a.png,x\nb.png,\n", 8, "line 2: has no label for b.png")]
    [InlineData("a.png,x\n./a.png,y\n", 8, "line 2: names ./a.png, which stands in line 1")]
    [InlineData("a.png,x\nb.png,x\n", null, "has one class ('x')")]
    [InlineData("a.png,x\n\"b.png,y\n", 8, "line 2: the quotation mark is not closed")]
    [InlineData("a.png,x\n\"b.png\"c,y\n", 15, "line 2: text follows a closing quotation mark")]
    [InlineData("path,label,split\na.png,x,train\nb.png,y,maybe\n", 31, "line 3: says 'maybe', wants train, test or val")]
    [InlineData("path,label,split\na.png,x,train\nb.png,y,\n", 31, "line 3: does not say train or test")]
    [InlineData("path,label,split\na.png,x,train\nb.png,y,train\n", null, "has rows of 'train' only")]
    [InlineData("a.png,x\nb.png,\u00ff\n", 14, "line 2: is no UTF-8 text")]
    public void A_table_that_cannot_be_used_says_where_and_why(string content, int? offset, string why)
    {
        var table = _folder.Write("t.csv", Encoding.Latin1.GetBytes(content));
        BadFile.Refused(table, offset, why, () => DataFolder.Open(table, Options));
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_tables_are_refused_or_read()
    {
        var valid = "path,label,subject\n\"a \"\"b\"\".png\",x,anna\nb.png,y,bob\n"u8.ToArray();
        FuzzRun.Run("csv", valid, valid.Length, bytes => PhotoTable.List(_folder.Write("f.csv", bytes)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0L)]
    public void A_bad_photo_is_an_error_that_names_it_or_is_skipped_and_counted(long? budget)
    {
        foreach (var name in (string[])["a", "b"])
        {
            for (var i = 0; i < 5; i++)
                Write($"{name}/{i}.png", (byte)i, 0, 0);
        }

        var options = Options with { MemoryBudget = budget };
        var whole = Open(options);
        _folder.Write("a/00.png", "<html>"u8.ToArray());
        _folder.Write("b/00.jpg", File.ReadAllBytes(_folder["b/1.png"])[..40]);
        var failure = Assert.Throws<DataFormatException>(() => Open(options));
        Assert.EndsWith("00.png", failure.File, StringComparison.Ordinal);
        Assert.Contains("--on-bad-image skip", failure.Rule, StringComparison.Ordinal);
        var data = Open(options with { OnBadImage = BadImagePolicy.Skip });
        Assert.Equal(10, data.Train.Count + data.Test.Count);
        Assert.Contains(data.Notes, note => note.StartsWith("photos: 2 photos that cannot be read were skipped (for example 00", StringComparison.Ordinal));
        Assert.Equal(whole.Train.IsInMemory, data.Train.IsInMemory);
        // The hash is of what was read, wherever it is.
        Assert.Equal(data.Train.ContentHash(), Open(Options with { OnBadImage = BadImagePolicy.Skip }).Train.ContentHash());
        Assert.Equal(data.Train.ContentHash(), data.Train.Subset([.. Enumerable.Range(0, data.Train.Count)], "all").ContentHash());
    }

    [Fact]
    public void Without_a_decoder_the_error_says_what_to_add()
    {
        foreach (var name in (string[])["a", "b"])
        {
            Write($"{name}/1.png", 1, 0, 0);
            Write($"{name}/2.png", 1, 0, 0);
        }

        Assert.Contains("add the package EscNative.Images and pass new SkiaImageDecoder() as PhotoOptions.Decoder", Assert.Throws<DataFormatException>(() => DataFolder.Open(_folder.Path)).Rule, StringComparison.Ordinal);
        // PGM and PPM alone need none, and photos among them are not left out.
        Assert.Equal(2, Open(Options with { Decoder = new Fixed() }).ClassNames.Count);
        Assert.Throws<UsageException>(() => Open(Options with { Channels = 2 }));
        Assert.Throws<UsageException>(() => Open(Options with { TestShare = 1 }));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => Open(Options with { Cancel = cancelled.Token }));
    }

    [Fact]
    public void Photos_that_do_not_fit_are_decoded_in_every_pass_to_the_same_batches()
    {
        foreach (var name in (string[])["a", "b", "c"])
        {
            for (var i = 0; i < 9; i++)
                _folder.Write($"{name}/{i}.jpg", PhotoMaker.Make(6 + i, 9, (byte)(20 * i), 90, 7, SKEncodedImageFormat.Jpeg, seed: i + 1));
        }

        var shares = new List<double>();
        var kept = Open();
        var streamed = Open(Options with { MemoryBudget = 27 * 48 - 1, Progress = new Shares(shares) });
        Assert.True(kept.Train.IsInMemory && !streamed.Train.IsInMemory && !streamed.Test.IsInMemory);
        Assert.Equal(1, shares[^1]);
        Assert.Contains("photos: the resized photos take 0 MB, more than the 0 MB that may be kept: they are decoded again in every pass", streamed.Notes);
        Assert.Equal(kept.Train.ContentHash(), streamed.Train.ContentHash());
        Assert.Equal(kept.Train.Subset([5, 2], "some").ContentHash(), streamed.Train.Subset([5, 2], "some").ContentHash());
        Assert.Equal(kept.Train.Join(kept.Test, "both").ContentHash(), streamed.Train.Join(streamed.Test, "both").ContentHash());
        var options = new BatchOptions { BatchSize = 4, Shuffle = true, Seed = 3, Augmentation = new Augmentation(true, 1) };
        for (var epoch = 0; epoch < 2; epoch++)
        {
            using var others = new BatchLoader(streamed.Train, streamed.Normalisation, options).Epoch(epoch).GetEnumerator();
            foreach (var batch in new BatchLoader(kept.Train, kept.Normalisation, options).Epoch(epoch))
            {
                Assert.True(others.MoveNext());
                Assert.Equal(batch.Images.ToArray<float>(), others.Current.Images.ToArray<float>());
                Assert.Equal(batch.Indices, others.Current.Indices);
            }

            Assert.False(others.MoveNext());
        }

        // A photo that is gone meanwhile is an error of the pass, and names it.
        File.Delete(_folder["b/4.jpg"]);
        File.Delete(_folder["b/5.jpg"]);
        Assert.EndsWith(".jpg: the file does not exist", Assert.Throws<DataFormatException>(() => new BatchLoader(streamed.Train, streamed.Normalisation).Epoch().Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Grey_photos_are_made_for_networks_of_one_channel()
    {
        Write("a/1.png", 200, 100, 50);
        Write("a/2.png", 200, 100, 50);
        Write("b/1.png", 1, 1, 1);
        Write("b/2.png", 1, 1, 1);
        _folder.Write("b/3.pgm", [.. "P5 2 1 255\n"u8, 7, 9]);
        var data = Open(Options with { Channels = 1 });
        Assert.Contains("photos: 4 photos in colour became grey: the network takes one channel", data.Notes);
        Assert.DoesNotContain(Open().Notes, note => note.Contains("grey", StringComparison.Ordinal));
        Assert.Equal((1, "half"), (data.Train.Channels, data.Normalisation.Name));
        Assert.Equal(((200 * 19595) + (100 * 38470) + (50 * 7471) + 32768) >> 16, data.Train.Pixels(0)[0]);
    }

    [Fact]
    public void Links_in_a_circle_are_refused()
    {
        Write("a/1.png", 1, 0, 0);
        Write("b/1.png", 1, 0, 0);
        Directory.CreateSymbolicLink(_folder["a/again"], _folder["a"]);
        Refused("does a link lead back");
    }

    private DataSet Open(PhotoOptions? options = null) => DataFolder.Open(_folder.Path, options ?? Options);

    private void Refused(string why) => Assert.Contains(why, Assert.Throws<DataFormatException>(() => Open()).Rule, StringComparison.Ordinal);

    private void Write(string name, byte red, byte green, byte blue, SKEncodedImageFormat format = SKEncodedImageFormat.Png) =>
        _folder.Write(name, name.EndsWith(".bmp", StringComparison.Ordinal) ? Bmp(red, green, blue) : PhotoMaker.Make(5, 6, red, green, blue, format));

    private static byte[] Bmp(byte red, byte green, byte blue) =>
        [(byte)'B', (byte)'M', 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0, .. new byte[24], blue, green, red, 0];

    private sealed class Fixed : IImageDecoder
    {
        public IReadOnlyList<string> Extensions => [".png"];

        public Image Decode(byte[] content, string file) => new(1, 1, 1, new byte[] { 7 });
    }

    private sealed class Shares(List<double> shares) : IProgress<double>
    {
        public void Report(double value) => shares.Add(value);
    }
}
