using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Formats;

namespace EscNative.Tests.Bench;

/// <summary>Checkpoints from elsewhere on the command line: what is assumed of them is said, and options tell it.</summary>
public sealed class ModelReadingTests(SmallFiles files) : IClassFixture<SmallFiles>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_a_checkpoint_does_not_say_is_assumed_and_said()
    {
        var checkpoint = Checkpoint();
        var notes = Evaluate(checkpoint).Notes;
        Assert.Contains(notes, n => n.StartsWith("a.pth: Normalisation: the file says none, half was assumed (mean 0.5, std 0.5)", StringComparison.Ordinal));
        Assert.Contains(notes, n => n.StartsWith("a.pth: Classes: the file names none of the 10", StringComparison.Ordinal));
        Assert.Contains("a.pth: The weights are those under 'state_dict'.", notes);
        // The model is untrained, and so it guesses.
        Assert.Contains(notes, n => n.StartsWith("ACCURACY LIKE GUESSING: a.pth", StringComparison.Ordinal) && n.Contains("--mean and --std", StringComparison.Ordinal));
    }

    [Fact]
    public void Options_tell_it_and_the_erased_file_keeps_it()
    {
        var names = _folder.Write("names.txt", System.Text.Encoding.UTF8.GetBytes(string.Join("\r\n", EmbeddedData.ClassNames) + "\n"));
        var output = _folder["erased.safetensors"];
        var outcome = CommandLine.Run(
            "unlearn", "--model-file", Checkpoint(), "--data", "embedded", "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--class-names", names,
            "--forget-class", "coat", "--k", "1", "--output", output, "--json", _folder["unlearn.json"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var notes = ResultJson.Parse(File.ReadAllText(_folder["unlearn.json"])).Notes;
        Assert.Contains("a.pth: Normalisation: mean 0.485,0.456,0.406, std 0.229,0.224,0.225, as the options say.", notes);
        Assert.DoesNotContain(notes, n => n.Contains("was assumed", StringComparison.Ordinal) || n.Contains("names none", StringComparison.Ordinal));
        using (var model = ModelFile.Load(output))
        {
            Assert.Equal((0.485f, 0.225f), (model.Description.Normalisation.Mean(0), model.Description.Normalisation.Deviation(2)));
            Assert.Equal(EmbeddedData.ClassNames, model.Description.ClassNames);
        }

        // A file of ours says it itself, and the options win with a remark.
        var second = Evaluate(output, "--mean", "0.5", "--std", "0.25");
        Assert.Contains("erased.safetensors: Normalisation: the file's own (mean 0.485,0.456,0.406, std 0.229,0.224,0.225) was replaced.", second.Notes);
        Assert.Contains("erased.safetensors: Normalisation: mean 0.5, std 0.25, as the options say.", second.Notes);
    }

    [Fact]
    public void The_normalisation_of_the_options_is_the_one_that_is_computed_with()
    {
        var options = new ModelLoadOptions { Normalisation = new Normalisation("x", [0.1f], [2f]) };
        using var plain = ModelFile.Load(Checkpoint());
        using var other = ModelFile.Load(Checkpoint(), options: options);
        Assert.Equal((0.5f, 0.1f), (plain.Description.Normalisation.Mean(0), other.Description.Normalisation.Mean(0)));
        var images = EmbeddedData.Open().Fit(32, 32, 3).Test;
        Assert.NotEqual(FeatureBank.Extract(plain, images).Features, FeatureBank.Extract(other, images).Features);
    }

    [Theory]
    [InlineData("--mean 0.5,0.5 --std 0.5,0.5", 2, "is for 2 channels")]
    [InlineData("--mean 0.5 --std 0.5,0.5", 2, "as many of both")]
    [InlineData("--mean 0.5 --std 0", 2, "wants numbers above 0")]
    [InlineData("--mean 0.5 --std NaN", 2, "--std: got 'NaN'")]
    [InlineData("--mean 0.5", 2, "--mean: wants --std too")]
    [InlineData("--class-names a,b,c", 2, "got 3, the model has 10 classes")]
    [InlineData("--class-names a,,c", 2, "name 2 of 3 is empty")]
    [InlineData("--class-names a,b,c,d,e,f,g,h,i,j", 3, "model and data do not belong together")]
    [InlineData("--image-size 64", 2, "allcnn takes 32 x 32 only")]
    public void What_does_not_fit_is_refused(string options, int code, string says)
    {
        var outcome = CommandLine.Run(["evaluate", "--model-file", Checkpoint(), "--data", "embedded", "--forget-class", "4", .. options.Split(' ')]);
        Assert.True(outcome.Code == code, outcome.ToString());
        Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void They_are_for_a_model_file()
    {
        var outcome = CommandLine.Run("report", "--mean", "0.5", "--std", "0.5", "--json", _folder["r.json"], "--html", _folder["r.html"]);
        Assert.Equal(2, outcome.Code);
        Assert.Contains("give it with --model-file FILE", outcome.Error, StringComparison.Ordinal);
        outcome = CommandLine.Run("inspect", Checkpoint(), "--mean", "0.5", "--std", "0.5", "--image-size", "32");
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Contains("as the options say", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Inspect_shows_where_tensors_have_a_place_and_what_has_none()
    {
        var checkpoint = Inspect(Checkpoint("module.")).Checkpoint!;
        Assert.Equal("allcnn", checkpoint.Architecture);
        Assert.All(checkpoint.Tensors, t => Assert.Equal((t.Name["module.".Length..], null), (t.Place, t.Problem)));
        Assert.Equal("zip", checkpoint.Metadata["pytorch.container"]);
        Assert.Contains("The weights are those under 'state_dict'.", checkpoint.Remarks!);

        checkpoint = Inspect(Checkpoint("", maker =>
        {
            maker.Tensors.RemoveAll(t => t.Name == "features.4.1.bias");
            maker.Tensors.Add(maker.Tensors[0] with { Name = "features.0.2.weight", Key = "999" });
            var at = maker.Tensors.FindIndex(t => t.Name == "features.1.1.bias");
            maker.Tensors[at] = maker.Tensors[at] with { Size = [1, maker.Tensors[at].Count], Stride = [1, 1] };
        })).Checkpoint!;
        Assert.Null(checkpoint.Architecture);
        Assert.Equal("not in allcnn", checkpoint.Tensors.Single(t => t.Name == "features.0.2.weight").Problem);
        Assert.Equal("wants [4]", checkpoint.Tensors.Single(t => t.Name == "features.1.1.bias").Problem);
        var said = Assert.Single(checkpoint.Remarks!, r => r.Contains("have no place", StringComparison.Ordinal));
        Assert.StartsWith("3 of 51 tensors have no place in allcnn", said, StringComparison.Ordinal);
        Assert.Contains("features.4.1.bias (missing [8])", said, StringComparison.Ordinal);

        // A checkpoint of a network that nobody here knows is listed all the same.
        checkpoint = Inspect(PyTorchFileTests.Data("types.pth")).Checkpoint!;
        Assert.Equal(("quantised qint8", null), (checkpoint.Tensors.Single(t => t.Name == "quantised").Type, checkpoint.Architecture));
        Assert.Contains("is not a model that this version knows", checkpoint.Mapping, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10.0, 10, true)]
    [InlineData(14.9, 10, true)]
    [InlineData(15.1, 10, false)]
    [InlineData(0.0, 10, true)]
    [InlineData(1.4, 100, true)]
    [InlineData(1.6, 100, false)]
    [InlineData(59.0, 2, true)]
    [InlineData(61.0, 2, false)]
    [InlineData(50.0, 1, false)]
    [InlineData(null, 10, false)]
    public void What_is_like_guessing_depends_on_the_classes(double? accuracy, int classes, bool told) =>
        Assert.Equal(told, ChanceNote.Of(accuracy, classes, "x.pth") is { } note && note.Contains("x.pth", StringComparison.Ordinal));

    private string Checkpoint(string prefix = "", Action<CheckpointMaker>? change = null)
    {
        using var model = ModelFile.Load(files.Model);
        var maker = new CheckpointMaker(ModelFile.ToArrays(model, prefix));
        change?.Invoke(maker);
        return _folder.Write("a.pth", maker.Zip());
    }

    private ResultDocument Inspect(string path)
    {
        var outcome = CommandLine.Run("inspect", path, "--json", _folder["inspect.json"], "--force");
        Assert.True(outcome.Code == 0, outcome.ToString());
        return ResultJson.Parse(File.ReadAllText(_folder["inspect.json"]));
    }

    private ResultDocument Evaluate(string path, params string[] more)
    {
        var outcome = CommandLine.Run(["evaluate", "--model-file", path, "--data", "embedded", "--forget-class", "4", "--json", _folder["evaluate.json"], "--force", .. more]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        return ResultJson.Parse(File.ReadAllText(_folder["evaluate.json"]));
    }
}
