using System.IO.Compression;
using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models.Data;
using EscNative.Tests.Formats;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Tests.Data;

/// <summary>What lies in folders as people have them: other labels, other names, files that are no data, texts with byte order marks.</summary>
public sealed class FoundDataTests
{
    [Fact]
    public void Labels_from_1_to_26_are_26_classes_under_their_own_numbers()
    {
        using var folder = new TemporaryFolder();
        WriteIdx(folder, "", [.. Enumerable.Range(0, 104).Select(i => (byte)(1 + (i % 26)))], [.. Enumerable.Range(0, 52).Select(i => (byte)(1 + (i % 26)))]);
        var data = DataFolder.Open(folder.Path);
        Assert.Equal(Enumerable.Range(1, 26).Select(i => i.ToString()), data.ClassNames);
        Assert.All(data.Train.CountPerClass(), n => Assert.Equal(4, n));
        // The label is the name: 26 is the last class, and the position of the first would be a class that is no label.
        Assert.Equal([25], ForgetRequest.ParseClasses("26", data.ClassNames).Classes.ToArray());
        Assert.Equal([0], ForgetRequest.ParseClasses("1", data.ClassNames).Classes.ToArray());
        Assert.Contains("forget class: got '0', wants one of 1, 2,", Assert.Throws<UsageException>(() => ForgetRequest.ParseClasses("0", data.ClassNames)).Message, StringComparison.Ordinal);
        EveryDrawnRequestHasImages(data);
    }

    [Fact]
    public void Three_labels_are_three_classes()
    {
        using var folder = new TemporaryFolder();
        WriteIdx(folder, "", [0, 1, 2, 0, 1, 2], [0, 1, 2]);
        var data = DataFolder.Open(folder.Path);
        Assert.Equal(["0", "1", "2"], data.ClassNames);
        EveryDrawnRequestHasImages(data);
        WriteIdx(folder, "", [0, 46, 1], [46]);
        Assert.Equal(["0", "1", "46"], DataFolder.Open(folder.Path).ClassNames);
        Assert.Equal([2], DataFolder.Open(folder.Path).Test.Labels());
        WriteIdx(folder, "", [5, 5], [5]);
        Assert.Contains("all labels are 5", Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Drawn_scenarios_pass_over_classes_that_a_named_set_has_no_images_of()
    {
        // Fashion-MNIST has ten classes by name, whatever part of it lies here.
        using var folder = new TemporaryFolder();
        WriteIdx(folder, "fashion-", [0, 3, 7, 9, 0, 3, 7, 9], [0, 3, 4, 7]);
        var data = DataFolder.Open(folder.Path);
        Assert.Equal(10, data.ClassNames.Count);
        EveryDrawnRequestHasImages(data);
        // The paper's class is 4; where it has no images to train with, the last one that has images of both kinds.
        Assert.Equal([7], Scenario.ClassWise.Trials(data, 1, 42)[0].Requests[0].Classes.ToArray());
    }

    [Theory]
    [InlineData("my-fashion-notes/mnist", "", false)]
    [InlineData("my-fashion-notes/mnist/", "", false)]
    [InlineData("fashion/more/../mnist", "", false)]
    [InlineData("data/Fashion-MNIST", "", true)]
    [InlineData("data/fashion_mnist/", "", true)]
    [InlineData("mnist", "fashion-", true)]
    public void The_kind_follows_from_the_folders_own_name_or_a_files(string path, string prefix, bool fashion)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["fashion/more"]);
        var inside = Path.GetRelativePath(folder.Path, Path.GetFullPath(folder[path]));
        WriteIdx(folder, $"{inside}/{prefix}", [0, 1, 2], [1]);
        var data = DataFolder.Open(folder[path]);
        Assert.Equal(fashion ? "Fashion-MNIST" : "IDX", data.Name);
        Assert.Equal(fashion ? "trouser" : "1", data.ClassNames[1]);
    }

    [Fact]
    public void The_folder_that_was_named_counts_where_the_files_lie_one_deeper()
    {
        using var folder = new TemporaryFolder();
        WriteIdx(folder, "FashionMNIST/raw/", [0, 1, 2], [1]);
        Assert.Equal("Fashion-MNIST", DataFolder.Open(folder["FashionMNIST"]).Name);
        Assert.Equal("IDX", DataFolder.Open(folder["FashionMNIST/raw"]).Name);
    }

    [Theory]
    [InlineData(".ipynb_checkpoints/1-checkpoint.pgm")]
    [InlineData("__MACOSX/._1.pgm")]
    [InlineData(".git/x.pgm")]
    [InlineData("@eaDir/x.pgm")]
    [InlineData("s1/._1.pgm")]
    [InlineData("s2/.DS_Store")]
    [InlineData(".DS_Store")]
    [InlineData("s1/Thumbs.db")]
    [InlineData("desktop.ini")]
    public void Hidden_files_and_folders_are_no_faces_and_are_counted(string hidden)
    {
        using var folder = Faces();
        folder.Write(hidden, Pgm(9));
        var data = DataFolder.Open(folder.Path);
        Assert.Equal(["s1", "s2"], data.ClassNames);
        Assert.Equal((8, 2), (data.Train.Count, data.Test.Count));
        Assert.Equal(["faces: 1 hidden file or folder was passed over"], data.Notes);
    }

    [Fact]
    public void Files_that_are_no_images_are_counted()
    {
        using var folder = Faces();
        Assert.Empty(DataFolder.Open(folder.Path).Notes);
        folder.Write("README.txt", [1]);
        Assert.Equal(["faces: 1 file that is not a PGM or PPM image was passed over (README.txt)"], DataFolder.Open(folder.Path).Notes);
        folder.Write("s1/6.txt", [1]);
        folder.Write("s9/1.txt", [1]);
        folder.Write(".x/1.jpg", [1]);
        Assert.Equal(
            ["faces: 1 hidden file or folder was passed over", "faces: 3 files that are not PGM or PPM images were passed over (for example README.txt)"],
            DataFolder.Open(folder.Path).Notes);
        // A photo of another format makes it a folder of photos, which wants a decoder: it is not left out.
        folder.Write("s1/6.jpg", [1]);
        Assert.Contains("add the package EscNative.Images", Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hidden_copies_beside_idx_and_cifar_files_are_no_second_set()
    {
        using var folder = new TemporaryFolder();
        WriteIdx(folder, "set/", [0, 1, 2], [1]);
        var notes = DataFolder.Open(folder["set"]).Notes;
        folder.Write("set/._train-images-idx3-ubyte", [0, 5, 22, 7]);
        WriteIdx(folder, "set/.ipynb_checkpoints/", [0, 1], [1]);
        WriteIdx(folder, "__MACOSX/", [0, 1], [1]);
        var data = DataFolder.Open(folder.Path);
        Assert.Equal(3, data.Train.Count);
        Assert.Equal(["IDX: 2 hidden files and folders were passed over"], data.Notes.Except(notes));

        using var cifar = new TemporaryFolder();
        foreach (var name in (string[])["data_batch_1.bin", "test_batch.bin", ".data_batch_2.bin"])
            cifar.Write(name, new byte[3073]);
        Assert.Contains("CIFAR-10: 1 hidden file or folder was passed over", DataFolder.Open(cifar.Path).Notes);
        Assert.Equal(1, DataFolder.Open(cifar.Path).Train.Count);
    }

    [Fact]
    public void Marks_line_ends_blanks_and_comments_of_index_files_are_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder["indices.txt"];
        foreach (var text in (string[])["\ufeff7\r\n8\r\n", "7\n8", "\ufeff\n7\t\n\n# eight\n 8 # here\n", "7\r\n8\r\n\r\n"])
        {
            folder.Write("indices.txt", Encoding.UTF8.GetBytes(text));
            Assert.Equal([7, 8], ForgetRequest.ReadIndices(path, 10).Indices.ToArray());
        }

        folder.Write("indices.txt", Encoding.UTF8.GetBytes("\ufeff7\nx\n"));
        BadFile.Refused(path, 5, "line 2: 'x' is not a whole number", () => ForgetRequest.ReadIndices(path, 10));
        foreach (var (encoding, name) in (IEnumerable<(Encoding, string)>)[(new UnicodeEncoding(false, true), "UTF-16"), (new UnicodeEncoding(true, true), "UTF-16"), (new UnicodeEncoding(false, false), "UTF-16"), (new UTF32Encoding(false, true), "UTF-32"), (new UTF32Encoding(true, true), "UTF-32")])
        {
            folder.Write("indices.txt", [.. encoding.GetPreamble(), .. encoding.GetBytes("7\n8\n")]);
            BadFile.Refused(path, 0, $"is {name} text; save it as UTF-8", () => ForgetRequest.ReadIndices(path, 10));
        }
    }

    [Fact]
    public void A_manifest_with_a_mark_is_read_and_what_its_serializer_lets_pass_is_refused()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 2; i++)
        {
            for (var j = 0; j < 2; j++)
                folder.Write($"n00000{i}/{j}.pgm", Pgm((byte)((10 * i) + j)));
        }

        var path = folder[LacunaManifest.FileName];
        LacunaManifest.Draw(folder.Path, 1, identities: 2, train: 1, test: 1).Save(path);
        var text = File.ReadAllText(path);
        File.WriteAllText(path, text, new UTF8Encoding(true));
        Assert.Equal((2, 2), (DataFolder.Open(folder.Path).Train.Count, DataFolder.Open(folder.Path).Test.Count));
        File.WriteAllText(path, text, Encoding.Unicode);
        Assert.Contains("UTF-16", Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
        foreach (var (old, changed) in (IEnumerable<(string, string)>)[("\"n000000\"", "null"), ("\"n000000\"", "\"n000001\""), ("\"n000000\"", "\"\\ud800\""), ("\"n000000/", "\"\\u0000/"), ("\"seed\": 1", "\"seed\": -1"), ("\"escnative.lacuna/1\"", "null")])
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            File.WriteAllText(path, text.Replace(old, changed, StringComparison.Ordinal));
            Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path));
        }

        foreach (var json in (string[])["null", "[]", "{}", """{"format":"escnative.lacuna/1","seed":1,"identities":null}""", """{"format":"escnative.lacuna/1","seed":1,"identities":[null,null]}""", """{"format":"escnative.lacuna/1","seed":1,"identities":[{"id":"a","train":null,"test":[]},{"id":"b","train":[null],"test":[null]}]}"""])
        {
            File.WriteAllText(path, json);
            Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path));
        }
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_manifests_and_images_are_refused_in_order()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 2; i++)
        {
            for (var j = 0; j < 2; j++)
                folder.Write($"n00000{i}/{j}.pgm", Pgm((byte)((10 * i) + j)));
        }

        var path = folder[LacunaManifest.FileName];
        LacunaManifest.Draw(folder.Path, 1, identities: 2, train: 1, test: 1).Save(path);
        var manifest = File.ReadAllBytes(path);
        FuzzRun.Run("manifest", manifest, manifest.Length, input =>
        {
            File.WriteAllBytes(path, input);
            LacunaManifest.Open(path, side: 1);
        });
        FuzzRun.Run("pnm", Pgm(7), Pgm(7).Length, input => PnmReader.Read(folder.Write("a.pgm", input)));
    }

    [Theory]
    [InlineData("bit")]
    [InlineData("trailer")]
    [InlineData("garbage")]
    public void A_gzipped_file_that_is_cut_or_goes_on_is_refused(string fault)
    {
        using var folder = new TemporaryFolder();
        WriteIdx(folder, "", [0, 1, 2], [1]);
        var path = folder["train-images-idx3-ubyte"];
        var packed = Gzip(File.ReadAllBytes(path));
        folder.Write("train-images-idx3-ubyte", fault switch
        {
            // One pixel is another one, and the trailer that would tell is missing.
            "bit" => [.. packed[..33], (byte)(packed[33] ^ 1), .. packed[34..^8]],
            "trailer" => packed[..^8],
            _ => [.. packed, .. "GARBAGE"u8],
        });
        var failure = Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path));
        Assert.Equal(path, failure.File);
        Assert.Contains(fault == "garbage" ? "7 bytes behind the archive" : "truncated: the file ends early", failure.Rule, StringComparison.Ordinal);
        folder.Write("train-images-idx3-ubyte", [.. packed, .. new byte[512]]);
        Assert.Equal(3, DataFolder.Open(folder.Path).Train.Count);
    }

    private static void EveryDrawnRequestHasImages(DataSet data)
    {
        var counts = data.Train.CountPerClass();
        foreach (var scenario in (Scenario[])[Scenario.ClassWise, Scenario.OneSubject, Scenario.SeveralClasses(2), Scenario.Incremental(2)])
        {
            foreach (var trial in scenario.Trials(data, 20, 1))
            {
                Assert.All(trial.Requests, request => Assert.All(request.Classes.ToArray(), c => Assert.True(counts[c] > 0, $"{scenario.Name}: class {c}")));
                ForgetSplit.Create(data, trial.Requests[0]);
            }
        }
    }

    private static TemporaryFolder Faces()
    {
        var folder = new TemporaryFolder();
        foreach (var person in (string[])["s1", "s2"])
        {
            for (var i = 1; i <= 5; i++)
                folder.Write($"{person}/{i}.pgm", Pgm((byte)i));
        }

        return folder;
    }

    private static byte[] Pgm(byte value) => [.. "P5 1 1 255\n"u8, value];

    // Stored, so that a byte of the packed file is a pixel.
    private static byte[] Gzip(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var zip = new GZipStream(stream, CompressionLevel.NoCompression, leaveOpen: true))
            zip.Write(content);
        return stream.ToArray();
    }

    private static void WriteIdx(TemporaryFolder folder, string front, byte[] train, byte[] test)
    {
        foreach (var (part, labels) in (IEnumerable<(string, byte[])>)[("train", train), ("t10k", test)])
        {
            var pixels = new byte[labels.Length * 4];
            new Random(1).NextBytes(pixels);
            folder.Write($"{front}{part}-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, (byte)labels.Length, 0, 0, 0, 2, 0, 0, 0, 2, .. pixels]);
            folder.Write($"{front}{part}-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, (byte)labels.Length, .. labels]);
        }
    }
}
