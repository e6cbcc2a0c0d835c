using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Bench;

/// <summary>A model and images that do not belong together, and files that forgot something else than what is asked about.</summary>
public sealed class ForeignModelTests(SmallFiles files) : IClassFixture<SmallFiles>, IDisposable
{
    private static readonly string[] Cifar = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Verbs => ["unlearn", "evaluate", "report"];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void A_model_of_other_classes_is_refused(string verb)
    {
        var model = Make("cifar", Cifar, new DataRecord { Name = "CIFAR-10", Fingerprint = new string('a', 64), Images = 50_000 });
        foreach (var named in (string[][])[[], ["--data", "embedded"]])
        {
            var outcome = Run(verb, model, named);
            Assert.True(outcome.Code == 3, outcome.ToString());
            Assert.Contains("model and data do not belong together: cifar.safetensors has the classes airplane, automobile, bird, cat, ... (CIFAR-10", outcome.Error, StringComparison.Ordinal);
            Assert.Contains("Fashion-mini has t-shirt/top", outcome.Error, StringComparison.Ordinal);
            Assert.Contains("--allow-other-data", outcome.Error, StringComparison.Ordinal);
            Assert.Empty(outcome.Output);
            Assert.Equal(["cifar.safetensors"], _folder.Files());
        }
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void A_model_of_other_images_wants_them_named(string verb)
    {
        var model = Make("fashion", [.. EmbeddedData.ClassNames], new DataRecord { Name = "Fashion-MNIST", Fingerprint = new string('b', 64), Images = 60_000 });
        var outcome = Run(verb, model);
        Assert.True(outcome.Code == 3, outcome.ToString());
        Assert.Contains("fashion.safetensors was trained on Fashion-MNIST, 60000 images", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("(without it the embedded set is taken)", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(["fashion.safetensors"], _folder.Files());
    }

    [Fact]
    public void Named_images_that_the_model_was_not_trained_on_are_a_remark()
    {
        var model = Make("fashion", [.. EmbeddedData.ClassNames], new DataRecord { Name = "Fashion-MNIST", Fingerprint = new string('b', 64), Images = 60_000 });
        Assert.Contains(Notes("unlearn", model, "--data", "embedded"), note => note.StartsWith("The images are not those that the model was trained on", StringComparison.Ordinal));
    }

    [Fact]
    public void Other_data_is_taken_where_it_is_allowed_and_said()
    {
        var model = Make("cifar", Cifar, null);
        Assert.Contains(Notes("unlearn", model, "--allow-other-data"), note => note.Contains("taken all the same (--allow-other-data)", StringComparison.Ordinal));
    }

    [Fact]
    public void A_checkpoint_from_elsewhere_wants_its_images_named_and_gets_a_remark()
    {
        // Without metadata, as PyTorch's exports are: the classes are numbers.
        var model = _folder["torch.safetensors"];
        SafetensorsWriter.Write(model, SafetensorsFile.ReadAll(files.Model).Values, new Dictionary<string, string>());
        var outcome = Run("unlearn", model);
        Assert.True(outcome.Code == 3, outcome.ToString());
        Assert.Contains("does not say which images it was trained on, and its classes have no names", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(Notes("unlearn", model, "--data", "embedded"), note => note.Contains("told from the classes alone", StringComparison.Ordinal));
    }

    [Fact]
    public void A_model_of_another_number_of_classes_is_refused_whatever_is_allowed()
    {
        var outcome = Run("evaluate", Make("three", ["a", "b", "c"], null), "--allow-other-data");
        Assert.True(outcome.Code == 3, outcome.ToString());
        Assert.Contains("has 3 classes", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trained_model_of_these_images_is_taken_without_a_word()
    {
        var model = _folder["model.safetensors"];
        var trained = CommandLine.Run("train", "--width", "0.02", "--epochs", "1", "--without-class", "9", "--output", model);
        Assert.True(trained.Code == 0, trained.ToString());
        using (var loaded = ModelFile.Load(model))
        {
            Assert.Equal(EmbeddedData.Open().Train.ContentHash(), loaded.Description.Data!.Fingerprint);
            Assert.Equal(["ankle boot"], loaded.Description.Data.Without);
        }

        Assert.DoesNotContain(Notes("unlearn", model), note => note.Contains("trained on", StringComparison.Ordinal));
        using var erased = ModelFile.Load(_folder["unlearn.out"]);
        Assert.Equal("Fashion-mini", erased.Description.Data!.Name);
        Assert.Equal(["coat"], Assert.Single(erased.Forgotten).Classes);
    }

    [Fact]
    public void References_that_are_none_are_told()
    {
        Assert.Contains(Notes("unlearn", files.Model), note => note.StartsWith("Written to", StringComparison.Ordinal));
        var erased = _folder["unlearn.out"];
        var all = Make("all", [.. EmbeddedData.ClassNames], EmbeddedData.Open().Record);
        var notes = Notes("evaluate", erased, "--original", erased, "--retrain", all);
        Assert.Contains("NOT THE MODEL BEFORE THE REQUEST: unlearn.out was itself made to forget coat (esc).", notes);
        Assert.Contains(notes, note => note.StartsWith("NO RETRAIN REFERENCE: all.safetensors was trained on all of Fashion-mini", StringComparison.Ordinal));
        File.Delete(_folder["evaluate.json"]);
        Assert.Contains("NO RETRAIN REFERENCE: unlearn.out was itself made to forget coat (esc).", Notes("evaluate", erased, "--original", files.Model, "--retrain", erased));
        File.Delete(_folder["evaluate.json"]);
        // Measured alone, a model is not compared with itself.
        var alone = Result("evaluate", erased);
        Assert.DoesNotContain(alone.Metrics!.Rows, row => row.Metric.Contains("Original", StringComparison.Ordinal));
        Assert.DoesNotContain(alone.Notes, note => note.StartsWith("NO", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_forgot_one_class_says_so_when_another_is_measured()
    {
        Assert.Contains(Notes("unlearn", files.Model), note => note.StartsWith("Written to", StringComparison.Ordinal));
        var erased = _folder["unlearn.out"];
        var result = Result("evaluate", erased, "--forget-class", "7");
        Assert.Contains(result.Notes, note => note.StartsWith("NOT WHAT THE FILE FORGOT: it was made to forget coat (esc), and what is measured here is class 7 (sneaker)", StringComparison.Ordinal));
        Assert.Equal(["sneaker"], result.Request!.ForgetClassNames);
        Assert.Equal(["coat"], Assert.Single(result.Model!.Forgotten!).Classes);
        File.Delete(_folder["evaluate.json"]);
        Assert.Contains(Notes("evaluate", erased), note => note == "The file records that it was made to forget coat (esc): what is measured here.");
    }

    [Fact]
    public void What_a_record_says_of_a_measurement()
    {
        var data = EmbeddedData.Open();
        using var model = ModelFile.Load(files.Model);
        Assert.Contains("records no request to forget", ForgottenNotes.Measured(model, Split(ForgetRequest.ForClasses(4))), StringComparison.Ordinal);
        model.Remember(ForgetRecord.Of("scrub", ForgetRequest.ForClasses(4), data.Train));
        Assert.Contains("2 training images, which its record does not name", ForgottenNotes.Measured(model, Split(ForgetRequest.ForIndices(1, 2))), StringComparison.Ordinal);
        Assert.StartsWith("NOT WHAT THE FILE FORGOT", ForgottenNotes.Measured(model, Split(ForgetRequest.ForClasses(4, 5))), StringComparison.Ordinal);
        model.Remember(ForgetRecord.Of("scrub", ForgetRequest.ForIndices(1, 2), data.Train));
        Assert.StartsWith("The file records that it was made to forget coat (scrub); 2 training images (scrub).", ForgottenNotes.Measured(model, Split(ForgetRequest.ForClasses(4))), StringComparison.Ordinal);

        ForgetSplit Split(ForgetRequest request) => ForgetSplit.Create(data, request);
    }

    [Theory]
    [InlineData("--k")]
    [InlineData("--p")]
    public void Nothing_to_erase_is_said(string option)
    {
        var outcome = CommandLine.Run(
            "unlearn", "--model-file", files.Model, "--forget-class", "4", option, "0", "--output", _folder["out.safetensors"], "--json", _folder["out.json"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Contains("k = 0", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(ResultJson.Parse(File.ReadAllText(_folder["out.json"])).Notes, note => note.StartsWith("Nothing was erased (k = 0)", StringComparison.Ordinal));
        using var model = ModelFile.Load(_folder["out.safetensors"]);
        Assert.Null(model.Erasure);
        Assert.Empty(model.Forgotten);
    }

    [Fact]
    public void Methods_stand_in_the_order_asked()
    {
        var outcome = CommandLine.Run(
            "report", "--model-file", files.Model, "--method", "mean-direction,esc,lau", "--k", "1", "--json", _folder["out.json"], "--html", _folder["out.html"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var result = ResultJson.Parse(File.ReadAllText(_folder["out.json"])).Experiment!;
        Assert.Equal(["original", "mean-direction", "esc", "lau"], result.Methods.Select(m => m.Method));
    }

    private string Make(string name, string[] classes, DataRecord? data)
    {
        var path = _folder[name + ".safetensors"];
        using var model = Architectures.Create(
            new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.05), Channels = 3, ClassNames = classes, Normalisation = Normalisation.Half, Data = data }, 1);
        ModelFile.Save(model, path);
        return path;
    }

    private ToolProcess.Outcome Run(string verb, string model, params string[] more)
    {
        string[] line = verb switch
        {
            "unlearn" => [verb, "--k", "1", "--output", _folder["unlearn.out"], "--json", _folder[verb + ".json"]],
            "report" => [verb, "--k", "1", "--json", _folder[verb + ".json"], "--html", _folder[verb + ".html"]],
            _ => [verb, "--json", _folder[verb + ".json"]],
        };
        string[] forget = more.Any(word => word.StartsWith("--forget", StringComparison.Ordinal)) ? [] : ["--forget-class", "4"];
        return CommandLine.Run([.. line, "--model-file", model, .. forget, .. more]);
    }

    private ResultDocument Result(string verb, string model, params string[] more)
    {
        var outcome = Run(verb, model, more);
        Assert.True(outcome.Code == 0, outcome.ToString());
        return ResultJson.Parse(File.ReadAllText(_folder[verb + ".json"]));
    }

    private IReadOnlyList<string> Notes(string verb, string model, params string[] more) => Result(verb, model, more).Notes;
}
