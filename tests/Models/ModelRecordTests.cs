using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Models;

/// <summary>A model file knows what it was trained on and what it was made to forget.</summary>
public sealed class ModelRecordTests
{
    [Fact]
    public void Training_records_the_images_and_the_file_keeps_it()
    {
        using var folder = new TemporaryFolder();
        var data = SmallImages.Data(24, 8);
        using (var model = Small())
        {
            Assert.Null(model.Description.Data);
            new Trainer(model, data, new TrainOptions { Epochs = 1, BatchSize = 8 }).Run();
            ModelFile.Save(model, folder["model.safetensors"]);
        }

        using var loaded = ModelFile.Load(folder["model.safetensors"]);
        Assert.Equivalent(data.Record, loaded.Description.Data);
        Assert.Equal(data.Train.ContentHash(), loaded.Description.Data!.Fingerprint);
        Assert.Equal(("stripes", 24, "[32, 32, 3]"), (loaded.Description.Data.Name, loaded.Description.Data.Images, loaded.Description.Data.Size));
        using var copy = loaded.Copy();
        Assert.Equivalent(data.Record, copy.Description.Data);
    }

    [Fact]
    public void A_part_of_a_set_is_recorded_as_the_whole_and_what_was_left_out()
    {
        var data = SmallImages.Data(24, 8);
        var first = ForgetSplit.Create(data, ForgetRequest.ForClasses(2));
        Assert.Equal(data.Record.Fingerprint, first.Remaining.Record.Fingerprint);
        Assert.Equal(["blue"], first.Remaining.Record.Without);
        Assert.Equal(["blue", "red"], first.Then(ForgetRequest.ForClasses(0)).Remaining.Record.Without);
        Assert.Equal(["2 training images"], ForgetSplit.Create(data, ForgetRequest.ForIndices(3, 5)).Remaining.Record.Without);
        Assert.NotEqual(data.Record.Fingerprint, new DataSet("stripes", SmallImages.Set(24, 9), data.Test, data.Normalisation).Record.Fingerprint);
    }

    [Theory]
    [InlineData("esc")]
    [InlineData("esc-t")]
    [InlineData("ng")]
    [InlineData("leace")]
    [InlineData("fisher")]
    [InlineData("ssd")]
    [InlineData("kodge")]
    [InlineData("retrain")]
    public void What_a_method_forgot_stands_in_the_file_by_name(string name)
    {
        using var folder = new TemporaryFolder();
        var split = ForgetSplit.Create(SmallImages.Data(24, 8), ForgetRequest.ForClasses(1, 2));
        var method = MethodRegistry.Create(name);
        using (var model = Small())
        {
            method.Run(UnlearningContext.For(method, model, split, Options(method)));
            ModelFile.Save(model, folder["erased.safetensors"]);
        }

        using var loaded = ModelFile.Load(folder["erased.safetensors"]);
        var record = Assert.Single(loaded.Forgotten);
        Assert.Equal((name, "classes 1, 2", 12, ""), (record.Method, record.Request, record.Images, record.Indices));
        Assert.Equal(["green", "blue"], record.Classes);
        Assert.True(record.IsSame(ForgetRequest.ForClasses(2, 1), SmallImages.Names));
        Assert.False(record.IsSame(ForgetRequest.ForClasses(2), SmallImages.Names));
        Assert.False(record.IsSame(ForgetRequest.ForIndices(2), SmallImages.Names));
    }

    [Fact]
    public void Requests_for_images_are_recorded_as_ranges_and_follow_each_other()
    {
        using var folder = new TemporaryFolder();
        var split = ForgetSplit.Create(SmallImages.Data(24, 8), ForgetRequest.ForIndices(0, 1, 2, 7, 9, 10));
        var esc = new Esc();
        using (var model = Small())
        {
            esc.Run(UnlearningContext.For(esc, model, split, Options(esc)));
            esc.Run(UnlearningContext.For(esc, model, split.Then(ForgetRequest.ForIndices(3)), Options(esc)));
            ModelFile.Save(model, folder["erased.safetensors"]);
        }

        using var loaded = ModelFile.Load(folder["erased.safetensors"]);
        Assert.Equal(["0-2, 7, 9-10", "3"], loaded.Forgotten.Select(record => record.Indices));
        Assert.True(loaded.Forgotten[0].IsSame(split.Request, SmallImages.Names));
    }

    [Fact]
    public void Nothing_is_recorded_where_nothing_was_erased()
    {
        var split = ForgetSplit.Create(SmallImages.Data(24, 8), ForgetRequest.ForClasses(2));
        var esc = new Esc();
        foreach (var options in (UnlearningOptions[])[new() { Directions = 0 }, new() { Percent = 0 }])
        {
            using var model = Small();
            var result = esc.Run(UnlearningContext.For(esc, model, split, options));
            Assert.Null(model.Erasure);
            Assert.Empty(model.Forgotten);
            Assert.Contains(result.Notes, note => note.Contains("nothing is erased", StringComparison.Ordinal));
        }

        using var diverging = Small();
        var ng = MethodRegistry.Create("ng");
        var run = ng.Run(UnlearningContext.For(ng, diverging, split, new UnlearningOptions { Parameters = new Dictionary<string, double> { ["learning-rate"] = 1e30 } }));
        Assert.Equal(UnlearningOutcome.Diverged, run.Outcome);
        Assert.Empty(diverging.Forgotten);
    }

    [Fact]
    public void A_file_of_an_older_version_loads_and_tells_what_its_erasures_say()
    {
        using var folder = new TemporaryFolder();
        using (var model = Small())
        {
            var origin = new Dictionary<string, string> { ["method"] = "esc", ["request"] = "classes 1, 3" };
            model.Erase(new ErasureOperator(model.FeatureWidth, ErasureFactor.Projection([1, .. new double[model.FeatureWidth - 1]], model.FeatureWidth, origin)));
            ModelFile.Save(model, folder["new.safetensors"], notes: new Dictionary<string, string> { ["data"] = "stripes" });
        }

        Edit(folder["new.safetensors"], folder["old.safetensors"], metadata =>
        {
            foreach (var key in metadata.Keys.Where(k => k.StartsWith("escnative.data.", StringComparison.Ordinal) || k.StartsWith("escnative.forgotten.", StringComparison.Ordinal)).ToArray())
                metadata.Remove(key);
        });
        using var old = ModelFile.Load(folder["old.safetensors"]);
        Assert.Equal(("stripes", (string?)null), (old.Description.Data!.Name, old.Description.Data.Fingerprint));
        Assert.Equal(["green", "grey"], Assert.Single(old.Forgotten).Classes);
        using var again = old.Copy();
        Assert.Equal(old.Forgotten, again.Forgotten);
    }

    [Theory]
    [InlineData("escnative.forgotten.count", "many")]
    [InlineData("escnative.forgotten.count", "2")]
    [InlineData("escnative.forgotten.count", "99999999")]
    [InlineData("escnative.forgotten.0.images", "-3")]
    [InlineData("escnative.forgotten.0.method", null)]
    [InlineData("escnative.data.images", "1e3")]
    public void A_damaged_record_is_bad_input_that_names_it(string key, string? value)
    {
        using var folder = new TemporaryFolder();
        using (var model = Small())
        {
            new Trainer(model, SmallImages.Data(24, 8), new TrainOptions { Epochs = 1, BatchSize = 8 }).Run();
            model.Remember(new ForgetRecord { Method = "esc", Request = "class 2", Classes = ["blue"], Images = 6 });
            ModelFile.Save(model, folder["model.safetensors"]);
        }

        Edit(folder["model.safetensors"], folder["damaged.safetensors"], metadata =>
        {
            if (value is null)
                metadata.Remove(key);
            else
                metadata[key] = value;
        });
        var error = Assert.Throws<DataFormatException>(() => ModelFile.Load(folder["damaged.safetensors"]));
        Assert.Contains("escnative.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_known_of_the_embedded_images_without_opening_them_is_true()
    {
        var data = EmbeddedData.Open();
        Assert.Equal(data.ClassNames, EmbeddedData.ClassNames);
        Assert.True(data.Train.Count == EmbeddedData.TrainImages, $"{data.Train.Count} images");
        using var model = Small();
        Assert.Equal(model.FeatureWidth, AllCnn.FeaturesOf(0.03));
    }

    private static UnlearningOptions Options(IUnlearningMethod method) => method.Name == "esc"
        ? new UnlearningOptions { Directions = 1 }
        : new UnlearningOptions
        {
            Parameters = new Dictionary<string, double> { ["epochs"] = 1, ["batch"] = 8, ["samples"] = 4 }
                .Where(p => method.Parameters.Any(known => known.Name == p.Key)).ToDictionary(),
        };

    private static void Edit(string from, string to, Action<Dictionary<string, string>> edit)
    {
        var metadata = new Dictionary<string, string>();
        using (var file = SafetensorsFile.Open(from))
        {
            foreach (var (name, value) in file.Metadata)
                metadata[name] = value;
        }

        edit(metadata);
        SafetensorsWriter.Write(to, SafetensorsFile.ReadAll(from).Values, metadata);
    }

    private static Classifier Small()
    {
        var model = Architectures.Create(
            new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.03), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half }, 5);
        model.Training = false;
        return model;
    }
}
