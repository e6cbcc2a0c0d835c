using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Engine;

namespace EscNative.Tests.Models;

/// <summary>The residual networks: what they are made of, how they are compiled, trained, saved and recognised.</summary>
public sealed class ResNetTests
{
    public static TheoryData<string> Tiny => [.. TinyResNets.Names];

    [Theory]
    [InlineData("resnet18", 8, 8 * 2 + 3)]
    [InlineData("resnet34", 16, 16 * 2 + 3)]
    [InlineData("resnet50", 16, 16 * 3 + 4)]
    public void A_block_is_its_convolutions_and_nothing_else(string name, int blocks, int convolutions)
    {
        using var model = Create(Architectures.Choose(name, new Dictionary<string, string> { ["width"] = "0.0625" }), 10);
        var steps = CompiledExtractor.Describe(model, 224, 224);
        // The first convolution, the pooling, the blocks with their projections, the mean, and the head.
        Assert.Equal(["conv 7x7 stride 2 + relu", "max pool 3x3"], steps.Take(2).Select(s => s.Kind));
        Assert.Equal(["average pool 7x7", "linear"], steps.TakeLast(2).Select(s => s.Kind));
        Assert.Equal(convolutions + 4, steps.Count);
        var inner = steps.Skip(2).SkipLast(2).ToArray();
        Assert.All(inner, s => Assert.StartsWith("conv", s.Kind, StringComparison.Ordinal));
        Assert.Equal(blocks, inner.Count(s => s.Kind == (name == "resnet50" ? "conv 1x1 + add + relu" : "conv 3x3 + add + relu")));
        Assert.Equal(name == "resnet50" ? 4 : 3, inner.Count(s => s.Name.EndsWith("downsample.0", StringComparison.Ordinal) && !s.Kind.Contains('+', StringComparison.Ordinal)));
    }

    // As torchvision's page has them.
    [Theory]
    [InlineData("resnet18", 11_689_512)]
    [InlineData("resnet34", 21_797_672)]
    [InlineData("resnet50", 25_557_032)]
    public void It_has_as_many_parameters_as_the_published_one(string name, long parameters)
    {
        // A convolution's filters have a scale and a shift each, a class a bias.
        var architecture = Architectures.Get(name);
        var outline = architecture.Outline(ModelDescription.OfTensors(architecture.Defaults, 3, 1000));
        Assert.Equal(parameters, outline.Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b) + (t.Shape.Length == 4 ? 2 * t.Shape[0] : t.Shape[0])));
        if (name != "resnet18")
            return;
        using var model = Create(architecture.Defaults, 1000);
        Assert.Equal(parameters, model.ParameterCount);
        Assert.InRange(CompiledExtractor.Describe(model, 224, 224).Sum(s => s.Flops) / 2 / 1.814e9, 0.995, 1.005);
    }

    [Fact]
    public void A_shortcut_without_weights_is_one_cheap_step()
    {
        using var model = Create(new CifarResNetHyperparameters(20), 10);
        Assert.Equal(269_722, model.ParameterCount);
        var steps = CompiledExtractor.Describe(model, 32, 32);
        // 19 convolutions, two shortcuts, the mean and the head.
        Assert.Equal(23, steps.Count);
        Assert.Equal(19, steps.Count(s => s.Kind.StartsWith("conv", StringComparison.Ordinal)));
        Assert.Equal(9, steps.Count(s => s.Kind == "conv 3x3 + add + relu"));
        Assert.Equal(
            [("features.layer2.0.shortcut", "subsample 2x2 + 16 channels of 0", new Shape(16, 16, 32)), ("features.layer3.0.shortcut", "subsample 2x2 + 32 channels of 0", new Shape(8, 8, 64))],
            steps.Where(s => s.Kind.StartsWith("subsample", StringComparison.Ordinal)).Select(s => (s.Name, s.Kind, s.Output)));
    }

    [Theory]
    [InlineData("resnet20", 32)]
    [InlineData("resnet20", 5)]
    [InlineData("resnet20", 1)]
    [InlineData("resnet18", 17)]
    [InlineData("resnet18 imagenet", 45)]
    [InlineData("resnet18 imagenet", 1)]
    [InlineData("resnet50", 19)]
    public void The_plan_gives_what_the_layers_give_at_any_size(string name, int size)
    {
        using var model = TinyResNets.Model(name, TestDevices.Current);
        using var extractor = CompiledExtractor.Compile(model, size, size);
        foreach (var n in (int[])[1, 3, 9])
        {
            var images = FormulaValues.Units($"{n} images", (long)n * size * size * 3);
            var (features, scores) = (new float[n * model.FeatureWidth], new float[n * model.Classes]);
            extractor.Run(images, features, scores);
            using var scope = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            var z = model.Features(Tensor.From(images, (n, size, size, 3), model.Device));
            AssertClose(z.ToArray(), features);
            AssertClose(model.Head.Forward(z).ToArray(), scores);
        }

        static void AssertClose(float[] wanted, float[] got)
        {
            var largest = wanted.Max(Math.Abs);
            Assert.True(largest > 0);
            for (var i = 0; i < wanted.Length; i++)
                Assert.InRange(got[i], wanted[i] - (1e-4 * largest), wanted[i] + (1e-4 * largest));
        }
    }

    [Theory]
    [MemberData(nameof(Tiny))]
    public void It_learns_and_its_file_is_recognised_without_metadata(string name)
    {
        using var model = TinyResNets.Model(name);
        var data = SmallImages.Data(train: 64, test: 16);
        var history = new Trainer(model, data, new TrainOptions { Epochs = 4, BatchSize = 16, LearningRate = 0.05 }).Run();
        Assert.True(history[^1].Loss < 0.8 * history[0].Loss, $"{name}: {history[0].Loss} to {history[^1].Loss}");

        using var folder = new TemporaryFolder();
        ModelFile.Save(model, folder["own.safetensors"]);
        using (var own = ModelFile.Load(folder["own.safetensors"]))
            Assert.Equal((model.Description.Hyperparameters, RunIdentity.WeightsOf(model)), (own.Description.Hyperparameters, RunIdentity.WeightsOf(own)));
        SafetensorsWriter.Write(folder["torch.safetensors"], ModelFile.ToArrays(model));
        using var torch = ModelFile.Load(folder["torch.safetensors"]);
        Assert.Equal(RunIdentity.WeightsOf(model), RunIdentity.WeightsOf(torch));
        Assert.Equal(model.Description.Architecture, torch.Description.Architecture);
        Assert.Equal(Normalisation.ImageNet, torch.Description.Normalisation);
        using var copy = model.Copy();
        Assert.Equal(RunIdentity.WeightsOf(model), RunIdentity.WeightsOf(copy));
    }

    [Fact]
    public void A_file_of_another_depth_or_width_is_told()
    {
        using var folder = new TemporaryFolder();
        var path = folder["model.safetensors"];
        using var model = Create(new ResNetHyperparameters(18, ResNetStem.Cifar, width: 0.0625), 4);
        ModelFile.Save(model, path);
        foreach (var (key, value, says) in new[]
        {
            ("architecture", "resnet34", "lacks the tensor 'layer1.2.conv1.weight' [4, 4, 3, 3] of resnet34"),
            ("architecture", "resnet50", "tensor 'layer1.0.conv1.weight' is [4, 4, 3, 3], resnet50 (stem cifar, size 32, width 0.0625) for 3 channels and 4 classes wants [4, 4, 1, 1]"),
            ("architecture", "resnet20", "tensor 'conv1.weight' is [4, 3, 3, 3], resnet20"),
            ("stem", "imagenet", "wants [4, 3, 7, 7]"), ("stem", "cifra", "got stem 'cifra', wants imagenet or cifar"),
            ("size", "0", "got size 0, wants 1 to 4096 pixels"), ("size", "99999", "got size 99999"), ("width", "0.125", "wants [8, 3, 3, 3]"), ("width", "5", "got width 5, wants more than 0, at most 4"),
        })
        {
            SafetensorsWriter.Write(path, SafetensorsFile.ReadAll(path).Values, ModelFaultTests.Metadata(path, m => m["escnative." + key] = value), force: true);
            Assert.Contains(says, Assert.Throws<DataFormatException>(() => ModelFile.Load(path)).Message, StringComparison.Ordinal);
            ModelFile.Save(model, path, force: true);
        }

        // One block more than any network has.
        var arrays = ModelFile.ToArrays(model);
        SafetensorsWriter.Write(path, [.. arrays, NamedArray.From("layer4.2.conv1.weight", [32, 32, 3, 3], new float[32 * 32 * 9])], force: true);
        Assert.Contains("is not a model that this version knows", Assert.Throws<DataFormatException>(() => ModelFile.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_size_follows_from_the_stem_unless_it_is_said()
    {
        Assert.Equal(new ResNetHyperparameters(18, ResNetStem.ImageNet, 224), Architectures.Choose("resnet18", new Dictionary<string, string>()));
        Assert.Equal(new ResNetHyperparameters(18, ResNetStem.Cifar, 32), Architectures.Choose("resnet18", new Dictionary<string, string> { ["stem"] = "cifar" }));
        Assert.Equal(new ResNetHyperparameters(50, ResNetStem.Cifar, 64, 0.5), Architectures.Choose("resnet50", new Dictionary<string, string> { ["stem"] = "cifar", ["size"] = "64", ["width"] = "0.5" }));
        Assert.Equal(new CifarResNetHyperparameters(56, 48), Architectures.Choose("resnet56", new Dictionary<string, string> { ["size"] = "48" }));
        Assert.Contains("stem: resnet20 has no such hyper-parameter", Assert.Throws<UsageException>(() => Architectures.Choose("resnet20", new Dictionary<string, string> { ["stem"] = "cifar" })).Message, StringComparison.Ordinal);
        Assert.Equal((64, 64, 3), Architectures.Get("resnet20").Input(new CifarResNetHyperparameters(20, 64)));
    }

    // torchvision: variance 2 / (outputs k²); the networks for CIFAR: 2 / (inputs k²), the last layer too.
    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet20")]
    public void It_starts_with_the_variance_of_its_origin(string name)
    {
        using var model = Create(Architectures.Get(name).Defaults, 10);
        foreach (var (module, conv) in model.NamedModules.Where(m => m.Module is Conv2d).Select(m => (m.Name, (Conv2d)m.Module)))
        {
            var shape = conv.Weight.Shape;
            var values = conv.Weight.Value.ToArray();
            var fan = shape[1] * shape[2] * (name == "resnet18" ? shape[0] : shape[3]);
            // Five standard errors of the variance of a normal distribution.
            Assert.True(Math.Abs((values.Average(v => (double)v * v) * fan / 2) - 1) <= 5 * Math.Sqrt(2.0 / values.Length), module);
        }

        var head = model.Head.Weight.Value.ToArray();
        var d = model.FeatureWidth;
        if (name == "resnet20")
            Assert.InRange(head.Average(v => (double)v * v) * d / 2, 0.75, 1.25);
        else
            Assert.All(head, v => Assert.InRange(v, -1 / Math.Sqrt(d), 1 / Math.Sqrt(d)));
    }

    private static Classifier Create(Hyperparameters hyperparameters, int classes) => Architectures.Create(new ModelDescription
    {
        Hyperparameters = hyperparameters,
        Channels = 3,
        ClassNames = [.. Enumerable.Range(0, classes).Select(i => $"class {i}")],
        Normalisation = Normalisation.Half,
    });
}
