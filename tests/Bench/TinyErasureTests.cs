using System.Globalization;
using System.Text.Json;
using EscNative.Models.Data;
using EscNative.Tests.Photos;
using SkiaSharp;

namespace EscNative.Tests.Bench;

/// <summary>The erasures that a user begins with, as commands and very small: train, erase, measure.</summary>
public sealed class TinyErasureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_class_of_CIFAR_100_is_erased_from_a_ResNet_18()
    {
        const int record = 3074;
        foreach (var part in (string[])["train", "test"])
        {
            var file = Directory.GetFiles(TestData.Cifar100Folder, $"{part}*.bin").Single();
            using var stream = File.OpenRead(file);
            var start = new byte[record * 200];
            stream.ReadExactly(start);
            // Class after class, round and round: two images of each.
            _folder.Write($"cifar-100-binary/{part}.bin", start);
        }

        Erase(_folder["cifar-100-binary"], ["--arch", "resnet18", "--stem", "cifar", "--width", "0.0625", "--epochs", "1", "--batch", "50"], ["--forget-class", "apple", "--k", "1"], 2, learns: false);
    }

    [Fact]
    public void A_class_of_a_folder_like_Tiny_ImageNet_is_erased_from_a_vision_transformer()
    {
        string[] ids = ["n01443537", "n01629819", "n01641577"];
        _folder.Write("tiny/wnids.txt", System.Text.Encoding.ASCII.GetBytes(string.Join('\n', ids)));
        var annotations = new List<string>();
        for (var label = 0; label < ids.Length; label++)
        {
            for (var i = 0; i < 6; i++)
                _folder.Write($"tiny/train/{ids[label]}/images/{ids[label]}_{i}.JPEG", Photo(label, i));
            _folder.Write($"tiny/val/images/val_{label}.JPEG", Photo(label, 9));
            annotations.Add($"val_{label}.JPEG\t{ids[label]}\t0\t0\t63\t63");
        }

        File.WriteAllLines(_folder["tiny/val/val_annotations.txt"], annotations);
        Erase(_folder["tiny"], ["--arch", "vit-ti16", "--image-size", "32", "--epochs", "4", "--batch", "6", "--learning-rate", "0.02"], ["--forget-class", ids[1]], 6, learns: true);
    }

    [Fact]
    public void A_person_among_faces_in_a_table_of_JPEG_files_is_erased()
    {
        var rows = new List<string> { "path,label,subject" };
        foreach (var person in Enumerable.Range(1, 4))
        {
            for (var i = 1; i <= 10; i++)
            {
                using var bitmap = Bitmap(Path.Combine(TestData.FacesFolder, "att_faces", FormattableString.Invariant($"s{person}"), FormattableString.Invariant($"{i}.pgm")));
                using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 92);
                var name = FormattableString.Invariant($"s{person}-{i}.jpg");
                _folder.Write($"faces/{name}", jpeg.ToArray());
                rows.Add(FormattableString.Invariant($"{name},s{person},s{person}"));
            }
        }

        var table = _folder["faces/people.csv"];
        File.WriteAllLines(table, rows);
        Erase(table, ["--width", "0.25", "--epochs", "15", "--batch", "8", "--learning-rate", "0.05"], ["--forget-subject", "s2", "--p", "3"], 8, learns: true);
    }

    private static byte[] Photo(int label, int seed) =>
        PhotoMaker.Make(64, 64, (byte)(110 * label), (byte)(220 - (110 * label)), 90, SKEncodedImageFormat.Jpeg, (10 * label) + seed + 1);

    private static SKBitmap Bitmap(string pgm)
    {
        var image = PnmReader.Read(pgm);
        var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Gray8, SKAlphaType.Opaque));
        image.Pixels.Span.CopyTo(bitmap.GetPixelSpan());
        return bitmap;
    }

    // The forgotten falls and the rest stays, where the training was long enough to know either.
    private void Erase(string data, string[] training, string[] forget, int images, bool learns)
    {
        var (model, erased) = (_folder["model.safetensors"], _folder["erased.safetensors"]);
        Run(["train", "--data", data, "--output", model, .. training]).Dispose();
        using (var result = Run(["unlearn", "--data", data, "--model-file", model, "--output", erased, .. forget]))
            Assert.Equal(images, result.RootElement.GetProperty("request").GetProperty("forgetImages").GetInt32());
        using var evaluated = Run(["evaluate", "--data", data, "--model-file", erased, "--original", model, .. forget[..2]]);
        var rows = evaluated.RootElement.GetProperty("metrics").GetProperty("rows").EnumerateArray().Where(row => row.GetProperty("metric").GetString() == "accuracy")
            .ToDictionary(row => row.GetProperty("name").GetString()!, row => row.GetProperty("values"));
        var (before, after, kept) = (Value("D_f", "original"), Value("D_f", "model"), Value("D_r", "model"));
        var said = string.Create(CultureInfo.InvariantCulture, $"D_f {before} to {after}, D_r {Value("D_r", "original")} to {kept}");
        TestContext.Current.TestOutputHelper?.WriteLine(said);
        if (images < 6)
            Assert.Contains(FormattableString.Invariant($"no value: {images} images a side are too few"), evaluated.RootElement.GetProperty("metrics").ToString(), StringComparison.Ordinal);
        Assert.True(!learns || (before >= 60 && after <= 0.6 * before && kept >= 0.7 * Value("D_r", "original")), said);

        double Value(string name, string of) => rows[name].GetProperty(of).GetDouble();
    }

    private JsonDocument Run(string[] arguments)
    {
        var json = _folder["result.json"];
        var outcome = CommandLine.Run([.. arguments, "--json", json, "--force", "--seed", "1"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        return JsonDocument.Parse(File.ReadAllBytes(json));
    }
}
