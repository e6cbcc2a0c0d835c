using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Models;

/// <summary>Networks that do not come with the library: an architecture that a user registers, and a classifier that he puts together.</summary>
public sealed class ArchitectureTests
{
    // All that makes the file of an architecture known; a built-in one stands in the list of Architectures instead.
    static ArchitectureTests() => Architectures.Register(SmallMlp.Architecture);

    [Fact]
    public void A_registered_network_is_trained_saved_recognised_lowered_and_erased()
    {
        using var folder = new TemporaryFolder();
        var data = SmallImages.Data();
        using var model = Mlp();
        var before = RunIdentity.WeightsOf(model);
        var history = new Trainer(model, data, new TrainOptions { Epochs = 4, BatchSize = 16, LearningRate = 0.02 }).Run();
        Assert.NotEqual(before, RunIdentity.WeightsOf(model));
        Assert.True(history[^1].Loss < history[0].Loss, $"{history[0].Loss} to {history[^1].Loss}");

        // With metadata it is what it says, without it what its tensors are.
        ModelFile.Save(model, folder["model.safetensors"]);
        using (var loaded = ModelFile.Load(folder["model.safetensors"]))
            Assert.Equal((new SmallMlpHyperparameters(12), RunIdentity.WeightsOf(model)), ((SmallMlpHyperparameters)loaded.Description.Hyperparameters, RunIdentity.WeightsOf(loaded)));
        SafetensorsWriter.Write(folder["torch.safetensors"], ModelFile.ToArrays(model));
        using var torch = ModelFile.Load(folder["torch.safetensors"]);
        Assert.Equal(("small-mlp", 12, 3, 4), (torch.Description.Architecture, torch.FeatureWidth, torch.Description.Channels, torch.Classes));
        Assert.Equal(["1.bias", "1.weight", "3.bias", "3.weight"], SafetensorsFile.ReadAll(folder["torch.safetensors"]).Keys.Order(StringComparer.Ordinal));

        // The plan gives what the layers give.
        var planned = FeatureBank.Extract(model, data.Test);
        using var noGrad = Tensor.NoGrad();
        foreach (var batch in new BatchLoader(data.Test, model.Description.Normalisation, new BatchOptions { BatchSize = data.Test.Count }).Epoch())
        {
            using var scope = Tensor.Scope();
            var (features, logits) = (model.Features(batch.Images).ToArray(), model.Forward(batch.Images).ToArray());
            Assert.All(planned.Features.Zip(features), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
            Assert.All(planned.Logits.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }

        // A copy trains on by itself, and ESC takes a class out.
        using var copy = model.Copy();
        Assert.Equal(RunIdentity.WeightsOf(model), RunIdentity.WeightsOf(copy));
        var split = ForgetSplit.Create(data, ForgetRequest.ForClasses(2));
        var result = new Esc().Run(new UnlearningContext(model, split.Forget, new UnlearningOptions { Directions = 1 }));
        Assert.Equal(1, result.Subspace!.K);
        var d = model.FeatureWidth;
        var erased = FeatureBank.Extract(model, split.Forget).Features;
        for (var row = 0; row < erased.Length; row += d)
            Assert.Equal(0, Enumerable.Range(0, d).Sum(i => erased[row + i] * result.Subspace.Basis[i]), 3);
    }

    [Fact]
    public void What_its_file_says_is_checked_as_that_of_any_other()
    {
        using var folder = new TemporaryFolder();
        using var model = Mlp();
        var path = folder["model.safetensors"];
        ModelFile.Save(model, path);
        foreach (var (value, reason) in new[] { ("0", "got 0 hidden units, wants 1 to 65536"), ("many", "hidden: got 'many', wants a whole number"), ("13", "small-mlp (hidden 13) for 3 channels and 4 classes wants [13, 3072]") })
        {
            SafetensorsWriter.Write(path, SafetensorsFile.ReadAll(path).Values, ModelFaultTests.Metadata(path, m => m["escnative.hidden"] = value), force: true);
            var failure = Assert.Throws<DataFormatException>(() => ModelFile.Load(path));
            Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
            Assert.StartsWith(path, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_name_is_registered_once_and_hyper_parameters_are_chosen_by_name()
    {
        Assert.Equal("allcnn", Architectures.Names[0]);
        Assert.Contains("small-mlp", Architectures.Names);
        Assert.Contains("'small-mlp' is taken", Assert.Throws<UsageException>(() => Architectures.Register(SmallMlp.Architecture)).Message, StringComparison.Ordinal);
        Assert.Contains("'allcnn' is taken", Assert.Throws<UsageException>(() => Architectures.Register(AllCnn.Architecture)).Message, StringComparison.Ordinal);
        Assert.Equal(new SmallMlpHyperparameters(7), Architectures.Choose("small-mlp", new Dictionary<string, string> { ["hidden"] = "7" }));
        Assert.Equal(new AllCnnHyperparameters(0.5), Architectures.Choose("allcnn", new Dictionary<string, string>()));
        Assert.Contains(
            "width: small-mlp has no such hyper-parameter, it has hidden",
            Assert.Throws<UsageException>(() => Architectures.Choose("small-mlp", new Dictionary<string, string> { ["width"] = "1" })).Message, StringComparison.Ordinal);
        Assert.Contains("arch: got 'mlp', wants one of allcnn", Assert.Throws<UsageException>(() => Architectures.Get("mlp")).Message, StringComparison.Ordinal);
        var wrong = Description(new AllCnnHyperparameters(0.1));
        Assert.Contains(
            "wants SmallMlpHyperparameters",
            Assert.Throws<UsageException>(() => SmallMlp.Architecture.Create(wrong, new RandomSource(1), null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_classifier_is_made_of_any_extractor_and_head()
    {
        var random = new RandomSource(4);
        using var model = new Classifier(
            Description(new NoHyperparameters("mine")), new Sequential(new Conv2d(3, 8, 3, random, padding: 1), new Relu(), new GlobalAveragePool2d()), new Linear(8, 4, random));
        model.Training = false;
        var images = SmallImages.Set(12, 3);
        var raw = FeatureBank.Extract(model, images);
        Assert.Equal((8, 4), (raw.Width, raw.Classes));
        model.Erase(new ErasureOperator(8, ErasureFactor.Projection([1, .. new double[7]], 8)));
        var erased = FeatureBank.Extract(model, images).Features;
        Assert.All(erased.Where((_, i) => i % 8 == 0), value => Assert.Equal(0, value));
        Assert.Contains(raw.Features.Where((_, i) => i % 8 == 0), value => value != 0);
        // Its values can be saved; a copy or a loaded one needs somebody who makes the network.
        using var stream = new MemoryStream();
        ModelFile.Write(model, stream);
        Assert.Contains("arch: got 'mine'", Assert.Throws<UsageException>(model.Copy).Message, StringComparison.Ordinal);
        Assert.Contains("arch: got 'mine'", Assert.Throws<DataFormatException>(() => ModelFile.Load(SafetensorsFile.Open(new MemoryStream(stream.ToArray()), "mine"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_extractor_and_a_head_that_do_not_fit_are_refused()
    {
        var random = new RandomSource(4);
        var description = Description(new NoHyperparameters("mine"));
        using var pool = new GlobalAveragePool2d();
        using var three = new Linear(3, 3, random);
        using var eight = new Linear(8, 4, random);
        Assert.Contains("for 4 class names, wants [4, d]", Assert.Throws<ShapeException>(() => new Classifier(description, pool, three)).Message, StringComparison.Ordinal);
        Assert.Contains("wants 2 or more", Assert.Throws<UsageException>(() => new Classifier(description with { ClassNames = ["one"] }, pool, three)).Message, StringComparison.Ordinal);
        using var model = new Classifier(description, pool, eight);
        using var images = Tensor.Zeros((2, 4, 4, 3));
        Assert.Contains("the extractor gives [2, 3]", Assert.Throws<ShapeException>(() => model.Features(images)).Message, StringComparison.Ordinal);
        Assert.Contains("the head wants [8]", Assert.Throws<ShapeException>(() => CompiledExtractor.Describe(model, 4, 4)).Message, StringComparison.Ordinal);
    }

    private static Classifier Mlp() => Architectures.Create(Description(new SmallMlpHyperparameters(12)), 5);

    private static ModelDescription Description(Hyperparameters hyperparameters) =>
        new() { Hyperparameters = hyperparameters, Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half };
}
