using System.Text.Json;
using EscNative.Bench.Requests;
using EscNative.Engine.Formats;
using EscNative.Tests.Photos;
using SkiaSharp;

namespace EscNative.Tests.Bench;

/// <summary>A person among photos, by command: trained on, erased, measured.</summary>
public sealed class PhotoCommandTests : IDisposable
{
    private static readonly string[] People = ["anna", "bob", "carl"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_person_among_JPEG_photos_is_erased_by_command()
    {
        WritePhotos();
        _folder.Write("photos/carl/broken.jpg", "<html>"u8.ToArray());
        var model = Train("photos", 3);
        var erased = _folder["erased.safetensors"];
        using (var result = Run("unlearn", "--data", _folder["photos"], "--on-bad-image", "skip", "--model-file", model, "--forget-class", "bob", "--k", "2", "--output", erased))
        {
            var notes = result.RootElement.GetProperty("data").GetProperty("notes").EnumerateArray().Select(note => note.GetString()!).ToArray();
            Assert.Equal("photos: Resize((32, 32)) bilinear (stretch)", notes[0]);
            Assert.Contains(notes, note => note.StartsWith("photos: 1 photo that cannot be read was skipped (for example broken.jpg: is a web page", StringComparison.Ordinal));
            Assert.DoesNotContain(result.RootElement.GetProperty("notes").EnumerateArray(), note => note.GetString()!.Contains("not those that the model was trained on", StringComparison.Ordinal));
        }

        using var evaluated = Run("evaluate", "--data", _folder["photos"], "--on-bad-image", "skip", "--image-memory", "0", "--model-file", erased, "--original", model, "--forget-class", "bob");
        Assert.Contains("decoded again in every pass", evaluated.RootElement.GetProperty("data").ToString(), StringComparison.Ordinal);
        var refused = CommandLine.Run("unlearn", "--data", _folder["photos"], "--model-file", model, "--forget-class", "bob", "--k", "2", "--output", _folder["other.safetensors"]);
        Assert.True(refused.Code == 3, refused.ToString());
        Assert.Contains("broken.jpg: at byte 0: is a web page", refused.Error, StringComparison.Ordinal);
        // Other images than the model's, since they were made smaller in another way.
        using var other = Run("unlearn", "--data", _folder["photos"], "--on-bad-image", "skip", "--resize", "crop", "--model-file", model, "--forget-class", "bob", "--k", "2", "--output", _folder["other.safetensors"]);
        var notes2 = other.RootElement.GetProperty("notes").ToString();
        Assert.Contains("not those that the model was trained on", notes2, StringComparison.Ordinal);
        Assert.Contains("brought to their size in another way than those: crop instead of stretch (leave --resize out", notes2, StringComparison.Ordinal);
    }

    [Fact]
    public void A_person_whom_a_table_names_is_erased_by_command()
    {
        WritePhotos();
        var rows = Directory.GetFiles(_folder["photos"], "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select((file, i) => $"{Path.GetRelativePath(_folder.Path, file)},{(i % 2 == 0 ? "old" : "young")},{Path.GetFileName(Path.GetDirectoryName(file))}");
        var table = _folder["people.csv"];
        File.WriteAllLines(table, rows.Prepend("path,label,subject"));
        var model = Train("people.csv", 2);
        foreach (var (verb, more) in (IEnumerable<(string, string[])>)[("unlearn", ["--k", "1", "--output", _folder["erased.safetensors"]]), ("evaluate", [])])
        {
            using var result = Run([verb, "--data", table, "--model-file", model, "--forget-subject", "bob", .. more]);
            var request = result.RootElement.GetProperty("request");
            Assert.InRange(request.GetProperty("forgetImages").GetInt32(), 1, 5);
        }

        using (var compared = Run("report", "--data", table, "--model-file", model, "--forget-subject", "bob", "--method", "esc,lau", "--k", "1", "--html", _folder["report.html"]))
        {
            var asked = Assert.Single(compared.RootElement.GetProperty("experiment").GetProperty("trials")[0].GetProperty("requests").EnumerateArray());
            Assert.Contains("of bob", asked.ToString(), StringComparison.Ordinal);
        }

        Assert.Contains("--forget-subject: the embedded images do not say whom they show", CommandLine.Run("report", "--method", "esc,lau", "--forget-subject", "bob").Error, StringComparison.Ordinal);
        var refused = CommandLine.Run("evaluate", "--data", table, "--model-file", model, "--forget-subject", "bob", "--forget-class", "old");
        Assert.True(refused.Code == 2, refused.ToString());
        Assert.Contains("--forget-subject and --forget-class exclude each other", refused.Error, StringComparison.Ordinal);
        Assert.Contains("got 'dora', photos has training images of anna, bob, carl", CommandLine.Run("evaluate", "--data", table, "--model-file", model, "--forget-subject", "dora").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--on-bad-image", "skip")]
    [InlineData("--image-memory", "5")]
    public void Options_of_photos_are_refused_for_other_data(string option, string value)
    {
        WriteFaces();
        foreach (var (path, named) in (IEnumerable<(string, string)>)[("embedded", "Fashion-mini"), (_folder["faces"], "faces")])
        {
            var refused = CommandLine.Run("train", "--data", path, option, value, "--width", "0.125", "--epochs", "1", "--output", _folder["model.safetensors"]);
            Assert.True(refused.Code == 2, refused.ToString());
            Assert.Contains($"{option}: {path} holds {named}", refused.Error, StringComparison.Ordinal);
            Assert.Contains("no photos", refused.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_the_environment_says_of_photos_is_passed_over_where_there_are_none()
    {
        WriteFaces();
        var outcome = CommandLine.Run(
            name => name switch { "ESC_ON_BAD_IMAGE" => "skip", "ESC_IMAGE_MEMORY" => "5", _ => null },
            "train", "--data", _folder["faces"], "--width", "0.05", "--epochs", "1", "--output", _folder["model.safetensors"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
    }

    [Fact]
    public void How_images_came_to_their_size_is_kept_in_the_model_and_done_again()
    {
        WritePhotos();
        var model = _folder["model.safetensors"];
        using (Run("train", "--data", _folder["photos"], "--resize", "crop-bicubic", "--width", "0.05", "--epochs", "1", "--batch", "4", "--output", model))
        {
        }

        using var result = Run("evaluate", "--data", _folder["photos"], "--model-file", model, "--forget-class", "bob");
        Assert.Contains("(crop-bicubic)", result.RootElement.GetProperty("data").GetProperty("notes")[0].GetString()!, StringComparison.Ordinal);
        Assert.DoesNotContain("not those that the model was trained on", result.RootElement.GetProperty("notes").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_one_size_are_resized_for_a_network_of_another_by_command()
    {
        var data = WriteCifar(2);
        string[] train = ["train", "--data", data, "--arch", "vit-ti16", "--image-size", "80", "--epochs", "1", "--batch", "8", "--output", _folder["vit.safetensors"]];
        var refused = CommandLine.Run(train);
        Assert.True(refused.Code == 2, refused.ToString());
        Assert.Contains("or resize them (--resize stretch)", refused.Error, StringComparison.Ordinal);
        using (var trained = Run([.. train, "--resize", "stretch", "--image-memory", "0"]))
        {
            var notes = trained.RootElement.GetProperty("data").GetProperty("notes").ToString();
            Assert.Contains("CIFAR-10: Resize((80, 80)) bilinear (stretch)", notes, StringComparison.Ordinal);
            Assert.Contains("resized again in every pass", notes, StringComparison.Ordinal);
        }

        var inspected = CommandLine.Run(name => name == "COLUMNS" ? "150" : null, "inspect", _folder["vit.safetensors"], "--image-size", "96");
        Assert.True(inspected.Code == 0, inspected.ToString());
        Assert.Contains("becomes [1, 37, 192]", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("became [1, 37, 192]: resampled as timm does", inspected.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("wants [", inspected.Output, StringComparison.Ordinal);
        // The file tells how; nobody has to say it again.
        using var erased = Run("unlearn", "--data", data, "--model-file", _folder["vit.safetensors"], "--forget-class", "cat", "--output", _folder["erased.safetensors"]);
        Assert.DoesNotContain("not those that the model was trained on", erased.RootElement.GetProperty("notes").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Random_parts_of_photos_are_trained_on_by_command_and_of_photos_alone()
    {
        WritePhotos();
        string[] line = ["train", "--augment", "random-resized-crop", "--width", "0.125", "--epochs", "1", "--batch", "4", "--quiet", "--force", "--output", _folder["model.safetensors"]];
        string[] hashes =
        [
            .. ((string[][])[[], [], ["--image-memory", "0"], ["--augment", "flip"], ["--crop-scale", "0.08,1", "--crop-ratio", "0.75,1.3333333333333333"], ["--crop-scale", "0.9,1"], ["--crop-ratio", "2,3"]]).Select(more =>
            {
                var outcome = CommandLine.Run([.. line[..1], .. more.Contains("--augment") ? line[3..] : line[1..], .. more, "--data", _folder["photos"]]);
                Assert.True(outcome.Code == 0, outcome.ToString());
                return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(_folder["model.safetensors"])));
            }),
        ];
        Assert.Equal((hashes[0], hashes[0]), (hashes[1], hashes[2]));
        Assert.NotEqual(hashes[0], hashes[3]);
        Assert.Equal(hashes[0], hashes[4]);
        Assert.Equal(4, hashes.Distinct().Count());
        // What was begun with whole photos is not gone on with parts.
        string[] stopped = [.. line[..1], .. line[3..], "--data", _folder["photos"], "--checkpoint", _folder["run"]];
        stopped[Array.IndexOf(stopped, "--epochs") + 1] = "2";
        Assert.Equal(0, CommandLine.Run([.. stopped, "--stop-after", "1"]).Code);
        var refused = CommandLine.Run([.. stopped, "--resume", "--augment", "random-resized-crop"]);
        Assert.True(refused.Code == 3, refused.ToString());
        Assert.Contains("resized-crop", refused.Error, StringComparison.Ordinal);
        refused = CommandLine.Run([.. stopped, "--crop-ratio", "1,1"]);
        Assert.True(refused.Code == 2, refused.ToString());
        Assert.Contains("--crop-ratio: says how parts of photos are drawn: give it with --augment random-resized-crop", refused.Error, StringComparison.Ordinal);
        refused = CommandLine.Run([.. line, "--data", "embedded"]);
        Assert.True(refused.Code == 2, refused.ToString());
        Assert.Contains("--augment: got random-resized-crop, and Fashion-mini holds no photos", refused.Error, StringComparison.Ordinal);
        refused = CommandLine.Run([.. line, "--crop", "4", "--data", _folder["photos"]]);
        Assert.True(refused.Code == 2, refused.ToString());
        Assert.Contains("wants one of them", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_line_of_progress_is_gone_where_photos_fail()
    {
        WritePhotos();
        _folder.Write("photos/anna/9.jpg", "<html>"u8.ToArray());
        var share = new Share();
        Assert.Throws<DataFormatException>(() => new PhotoChoice(Progress: share).Open(_folder["photos"], "allcnn", null, 32, 32, 3, 0));
        Assert.True(share.IsGone);
    }

    private void WriteFaces()
    {
        foreach (var person in (string[])["anna", "bob"])
        {
            for (var i = 0; i < 4; i++)
                _folder.Write($"faces/{person}/{i}.pgm", [.. "P5 2 2 255\n"u8, 1, 2, 3, 4]);
        }
    }

    // Images of a colour for each class, in the layout of CIFAR-10.
    private string WriteCifar(int each)
    {
        var records = Enumerable.Range(0, each * 10).SelectMany(i => (byte[])[(byte)(i % 10), .. Enumerable.Repeat((byte)(20 * (i % 10)), 3072)]).ToArray();
        for (var part = 1; part <= 5; part++)
            _folder.Write($"cifar/data_batch_{part}.bin", records[..(part == 1 ? records.Length : 3073)]);
        _folder.Write("cifar/test_batch.bin", records);
        return _folder["cifar"];
    }

    private void WritePhotos()
    {
        for (var person = 0; person < People.Length; person++)
        {
            for (var i = 0; i < 5; i++)
                _folder.Write($"photos/{People[person]}/{i}.jpg", PhotoMaker.Make(40, 50 + i, (byte)(80 * person), (byte)(200 - (80 * person)), 90, SKEncodedImageFormat.Jpeg, seed: (10 * person) + i + 1));
        }
    }

    private string Train(string data, int classes)
    {
        var model = _folder["model.safetensors"];
        using var result = Run("train", "--data", _folder[data], "--on-bad-image", "skip", "--width", "0.125", "--epochs", "2", "--batch", "4", "--output", model);
        Assert.Equal(classes, result.RootElement.GetProperty("data").GetProperty("classNames").GetArrayLength());
        return model;
    }

    private JsonDocument Run(params string[] arguments)
    {
        var json = _folder["result.json"];
        var outcome = CommandLine.Run([.. arguments, "--json", json, "--force", "--seed", "1"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        return JsonDocument.Parse(File.ReadAllBytes(json));
    }

    private sealed class Share : IProgress<double>, IDisposable
    {
        public bool IsGone { get; private set; }

        public void Report(double value)
        {
        }

        public void Dispose() => IsGone = true;
    }
}
