using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models.Data;
using EscNative.Tests.Formats;

namespace EscNative.Tests.Data;

public sealed class CifarTests
{
    private const int Record10 = 3073;
    private const int Record100 = 3074;
    private const string Folder10 = "cifar-10-batches-bin/";
    private const string Folder100 = "cifar-100-binary/";

    [Fact]
    public void The_real_cifar10_is_read_whole()
    {
        var data = DataFolder.Open(TestData.Cifar10Folder);
        Assert.Equal("CIFAR-10", data.Name);
        Assert.Equal((50_000, 10_000), (data.Train.Count, data.Test.Count));
        Assert.Equal((32, 32, 3), (data.Train.Height, data.Train.Width, data.Train.Channels));
        Assert.Equal(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"], data.ClassNames);
        Assert.Empty(data.Notes);
        Assert.All(data.Train.CountPerClass(), n => Assert.Equal(5000, n));
        Assert.All(data.Test.CountPerClass(), n => Assert.Equal(1000, n));
        // The first labels of the official order, known from every tutorial: frog truck truck deer automobile; cat ship ship airplane.
        Assert.Equal([6, 9, 9, 4, 1], data.Train.Labels()[..5]);
        Assert.Equal([3, 8, 8, 0, 6], data.Test.Labels()[..5]);
        foreach (var index in (int[])[0, 9_999, 10_000, 37_123, 49_999])
            CheckAgainstFile(Path.Combine(TestData.Cifar10Folder, $"data_batch_{(index / 10_000) + 1}.bin"), index % 10_000, Record10, 1, data.Train, index);
        CheckAgainstFile(Path.Combine(TestData.Cifar10Folder, "test_batch.bin"), 777, Record10, 1, data.Test, 777);
        // The frog's first pixel, as the Python version of the set has it.
        Assert.Equal([59, 62, 63], data.Train.Pixels(0)[..3].ToArray());
    }

    [Fact]
    public void The_real_cifar100_is_read_and_its_size_noted()
    {
        var data = DataFolder.Open(TestData.Cifar100Folder);
        Assert.Equal((5000, 5000), (data.Train.Count, data.Test.Count));
        Assert.Equal(100, data.ClassNames.Count);
        Assert.Equal("apple", data.ClassNames[0]);
        Assert.Equal(["CIFAR-100 train: 5,000 images; the official set has 50,000", "CIFAR-100 test: 5,000 images; the official set has 10,000"], data.Notes);
        Assert.All(data.Train.CountPerClass(), n => Assert.Equal(50, n));
        CheckAgainstFile(Path.Combine(TestData.Cifar100Folder, "train_first5k.bin"), 4321, Record100, 2, data.Train, 4321);

        var coarse = DataFolder.Open(TestData.Cifar100Folder, LabelLevel.Coarse);
        Assert.Equal(20, coarse.ClassNames.Count);
        Assert.Equal("trees", coarse.ClassNames[17]);
        Assert.All(coarse.Train.CountPerClass(), n => Assert.Equal(250, n));
    }

    [Fact]
    public void The_built_in_names_are_those_of_the_files()
    {
        Assert.Equal(Lines(TestData.Cifar10Folder, "batches.meta.txt"), CifarLayout.ClassNames10);
        Assert.Equal(Lines(TestData.Cifar100Folder, "fine_label_names.txt"), CifarLayout.FineNames);
        Assert.Equal(Lines(TestData.Cifar100Folder, "coarse_label_names.txt"), CifarLayout.CoarseNames);
    }

    [Fact]
    public void Batches_come_in_the_order_of_their_numbers()
    {
        using var folder = new TemporaryFolder();
        foreach (var number in (int[])[10, 2, 1])
            folder.Write($"data_batch_{number}.bin", Records(Record10, 1, (byte)(number % 10)));
        folder.Write("test_batch.bin", Records(Record10, 1));
        Assert.Equal([1, 2, 0], DataFolder.Open(folder.Path).Train.Labels());
    }

    [Fact]
    public void A_folder_around_the_set_will_do()
    {
        using var folder = new TemporaryFolder();
        folder.Write("unpacked/train.bin", Records(Record100, 2, 3, 4));
        folder.Write("unpacked/test.bin", Records(Record100, 2, 5));
        folder.Write("other/readme.txt", [1]);
        Assert.Equal([3, 4], DataFolder.Open(folder.Path).Train.Labels());
        folder.Write("again/train.bin", Records(Record100, 2, 3));
        BadFile.Refused(folder.Path, null, "holds several data sets: again, unpacked", () => DataFolder.Open(folder.Path));
    }

    [Fact]
    public void Names_beside_the_set_are_used()
    {
        using var folder = new TemporaryFolder();
        folder.Write("data_batch_1.bin", Records(Record10, 1, 0));
        folder.Write("test_batch.bin", Records(Record10, 1, 0));
        folder.Write("batches.meta.txt", Encoding.UTF8.GetBytes("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"));
        Assert.Equal("j", DataFolder.Open(folder.Path).ClassNames[9]);
        var names = folder.Write("batches.meta.txt", Encoding.UTF8.GetBytes("a\nb\n"));
        BadFile.Refused(names, 0, "holds 2 class names, wants 10", () => DataFolder.Open(folder.Path));
        folder.Write("batches.meta.txt", Encoding.UTF8.GetBytes("a\nb\nc\nd\ne\nf\ng\nh\ni\n\u001b[31m\n"));
        BadFile.Refused(names, 0, "control characters", () => DataFolder.Open(folder.Path));
    }

    [Theory]
    [InlineData(1, 0, "truncated: the last record of CIFAR-10 has 1 of 3073 bytes")]
    [InlineData(3072, 0, "has 3072 of 3073 bytes")]
    [InlineData(3073 + 17, 3073, "has 17 of 3073 bytes")]
    [InlineData((300 * 3073) - 1, 299 * 3073, "has 3072 of 3073 bytes")]
    [InlineData(0, 0, "is empty")]
    public void A_truncated_batch_names_the_file_and_the_record(int length, long offset, string rule)
    {
        using var folder = new TemporaryFolder();
        folder.Write("data_batch_1.bin", Records(Record10, 1));
        var bad = folder.Write("data_batch_2.bin", new byte[length]);
        folder.Write("test_batch.bin", Records(Record10, 1));
        BadFile.Refused(bad, offset, rule, () => DataFolder.Open(folder.Path));
    }

    [Fact]
    public void A_label_out_of_range_names_its_byte()
    {
        using var folder = new TemporaryFolder();
        folder.Write("data_batch_1.bin", Records(Record10, 1, 9));
        var test = folder.Write("test_batch.bin", Records(Record10, 1, 0, 10));
        BadFile.Refused(test, Record10, "label 10 is out of range; wants 0 to 9", () => DataFolder.Open(folder.Path));

        using var folder100 = new TemporaryFolder();
        var train = folder100.Write("train.bin", Records(Record100, 2, 99, 100));
        folder100.Write("test.bin", Records(Record100, 2, 0));
        BadFile.Refused(train, Record100 + 1, "fine label 100 is out of range", () => DataFolder.Open(folder100.Path));
        var bytes = Records(Record100, 2, 0);
        bytes[0] = 20;
        folder100.Write("train.bin", bytes);
        BadFile.Refused(train, 0, "coarse label 20 is out of range", () => DataFolder.Open(folder100.Path));
    }

    [Fact]
    public void Folders_without_data_list_what_was_looked_for()
    {
        using var folder = new TemporaryFolder();
        var failure = BadFile.Refused(folder.Path, null, "no data set in this folder", () => DataFolder.Open(folder.Path));
        foreach (var layout in (string[])["data_batch_*.bin", "train*.bin", "train-images-idx3-ubyte", "cifar-10-binary.tar.gz", "embedded"])
            Assert.Contains(layout, failure.Rule, StringComparison.Ordinal);
        BadFile.Refused(folder["no"], null, "neither a file nor a folder", () => DataFolder.Open(folder["no"]));
        BadFile.Refused(folder["no"], null, "the folder does not exist", () => CifarReader.ReadFolder(folder["no"]));
        BadFile.Refused(folder["no"], null, "the folder does not exist", () => IdxReader.ReadFolder(folder["no"]));
        BadFile.Refused(folder.Path, null, "has neither", () => CifarReader.ReadFolder(folder.Path));
        BadFile.Refused(folder.Path, null, "has no IDX files", () => IdxReader.ReadFolder(folder.Path));
        BadFile.Refused(folder.Write("f", [1, 2, 3]), 0, "a file that is not gzipped", () => DataFolder.Open(folder["f"]));
        BadFile.Refused(folder.Write("empty", []), 0, "a file that is not gzipped", () => DataFolder.Open(folder["empty"]));
        folder.Write("data_batch_1.bin", Records(Record10, 1));
        BadFile.Refused(folder.Path, null, "but no test*.bin", () => DataFolder.Open(folder.Path));
    }

    [Fact]
    public void The_archive_gives_what_the_folder_gives()
    {
        using var folder = new TemporaryFolder();
        // The first 200 records of each real batch, packed as the official archive is.
        var entries = new List<(string, byte[])> { (Folder10 + "readme.html", [.. "<html>"u8]) };
        foreach (var name in (string[])["data_batch_4.bin", "data_batch_1.bin", "data_batch_3.bin", "test_batch.bin", "data_batch_5.bin", "data_batch_2.bin"])
        {
            var records = File.ReadAllBytes(Path.Combine(TestData.Cifar10Folder, name))[..(200 * Record10)];
            entries.Add((Folder10 + name, records));
            folder.Write("set/" + name, records);
        }

        var archive = folder.Write("cifar-10-binary.tar.gz", Archive([.. entries]));
        var fromArchive = DataFolder.Open(archive);
        var fromFolder = DataFolder.Open(folder["set"]);
        Assert.Equal((1000, 200), (fromArchive.Train.Count, fromArchive.Test.Count));
        Assert.Equal(fromFolder.Train.ContentHash(), fromArchive.Train.ContentHash());
        Assert.Equal(fromFolder.Test.ContentHash(), fromArchive.Test.ContentHash());
        Assert.Equal(fromFolder.Notes, fromArchive.Notes);
    }

    [Fact]
    public void The_cifar100_archive_is_read()
    {
        using var folder = new TemporaryFolder();
        var archive = folder.Write("a.tar.gz", Archive((Folder100 + "test.bin", Records(Record100, 2, 7)), (Folder100 + "train.bin", Records(Record100, 2, 1, 2, 3))));
        var data = DataFolder.Open(archive);
        Assert.Equal("CIFAR-100", data.Name);
        Assert.Equal([1, 2, 3], data.Train.Labels());
        Assert.Equal([7], data.Test.Labels());
    }

    [Fact]
    public void Bad_archives_are_refused_with_their_entry()
    {
        using var folder = new TemporaryFolder();
        var train = (Folder10 + "data_batch_1.bin", Records(Record10, 1, 0));
        var test = (Folder10 + "test_batch.bin", Records(Record10, 1, 0));
        Check(null, null, "has no 'cifar-10-batches-bin/test_batch.bin'", train);
        Check(null, null, "has no training images", test);
        Check(null, null, "is the Python version of CIFAR", ("cifar-10-batches-py/data_batch_1", [1]));
        Check(null, null, "is not the official archive", ("../" + Folder10 + "data_batch_1.bin", train.Item2));
        Check(null, null, "two entries are called", train, train);
        Check(Folder10 + "test_batch.bin", 0, "label 12 is out of range", train, (test.Item1, Records(Record10, 1, 12)));
        Check(Folder10 + "test_batch.bin", Record10, "truncated: the last record", train, (test.Item1, [.. Records(Record10, 1, 1), 0]));
        Check(Folder10 + "test_batch.bin", 0, "is empty", train, (test.Item1, []));

        void Check(string? entry, long? offset, string rule, params (string, byte[])[] entries)
        {
            var path = folder.Write("bad.tar.gz", Archive(entries));
            BadFile.Refused(entry is null ? path : $"{path}!{entry}", offset, rule, () => DataFolder.Open(path));
        }
    }

    [Fact]
    public void A_truncated_archive_is_refused_wherever_it_ends()
    {
        using var folder = new TemporaryFolder();
        var whole = Archive((Folder10 + "data_batch_1.bin", Records(Record10, 1, 0)), (Folder10 + "test_batch.bin", Records(Record10, 1, 0)));
        var path = folder["a.tar.gz"];
        for (var length = 0; length < whole.Length; length += 7)
        {
            folder.Write("a.tar.gz", whole[..length]);
            Assert.Throws<DataFormatException>(() => DataFolder.Open(path));
        }
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_archives_are_refused_in_order()
    {
        // A raw tar, so that the damage reaches the headers; gzip's checksum would catch all of it.
        var tar = Unzip(Archive((Folder10 + "data_batch_1.bin", Records(Record10, 1, 0)), (Folder10 + "test_batch.bin", Records(Record10, 1, 0))));
        using var folder = new TemporaryFolder();
        var path = folder["a.tar.gz"];
        FuzzRun.Run("tar", tar, tar.Length, input =>
        {
            folder.Write("a.tar.gz", Zip(input));
            CifarReader.ReadArchive(path);
        });
        var zipped = Zip(tar);
        FuzzRun.Run("tar.gz", zipped, zipped.Length, input =>
        {
            folder.Write("a.tar.gz", input);
            CifarReader.ReadArchive(path);
        }, memoryFactor: 1100);
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_batches_are_refused_in_order()
    {
        using var folder = new TemporaryFolder();
        folder.Write("test_batch.bin", Records(Record10, 1, 0));
        // Only a label or the length can be wrong; strike there.
        FuzzRun.Run("cifar", Records(Record10, 1, 9), 1, input =>
        {
            folder.Write("data_batch_1.bin", input);
            CifarReader.ReadFolder(folder.Path);
        });
    }

    private static void CheckAgainstFile(string file, int record, int recordSize, int labelBytes, ImageSet set, int index)
    {
        using var stream = File.OpenRead(file);
        stream.Position = (long)record * recordSize;
        var bytes = new byte[recordSize];
        stream.ReadExactly(bytes);
        Assert.Equal(bytes[labelBytes - 1], set.Label(index));
        Assert.Equal(index, set.Id(index));
        var pixels = set.Pixels(index);
        for (var y = 0; y < 32; y++)
        {
            for (var x = 0; x < 32; x++)
            {
                for (var c = 0; c < 3; c++)
                    Assert.Equal(bytes[labelBytes + (c * 1024) + (y * 32) + x], pixels[(((y * 32) + x) * 3) + c]);
            }
        }
    }

    // One record per label; without labels one record of label 0. The coarse label is always 0.
    private static byte[] Records(int size, int labelBytes, params byte[] labels)
    {
        labels = labels.Length == 0 ? [0] : labels;
        var bytes = new byte[size * labels.Length];
        new Random(size).NextBytes(bytes);
        for (var i = 0; i < labels.Length; i++)
        {
            bytes[i * size] = 0;
            bytes[(i * size) + labelBytes - 1] = labels[i];
        }

        return bytes;
    }

    private static byte[] Archive(params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
        }

        return Zip(stream.ToArray());
    }

    private static byte[] Zip(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var zip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(content);
        return stream.ToArray();
    }

    private static byte[] Unzip(byte[] content)
    {
        using var zip = new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
        using var stream = new MemoryStream();
        zip.CopyTo(stream);
        return stream.ToArray();
    }

    private static string[] Lines(string folder, string file) =>
        [.. File.ReadAllLines(Path.Combine(folder, file)).Where(line => line.Length > 0)];
}
