using System.Text.Json;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Engine;

namespace EscNative.Tests.Models;

/// <summary>What PyTorch 2.6 and torchvision 0.21 computed in float64 for residual networks (record_resnet.py), against this engine in float32.</summary>
public sealed class ResNetRecordingTests
{
    private const int Classes = 10;
    private const int Batch = 2;

    private static readonly JsonElement Recorded = JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "Models", "data", "resnets.json"))).RootElement;

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Recorded.GetProperty("cases").GetArrayLength())];

    public static TheoryData<string> Networks => [.. Recorded.GetProperty("keys").EnumerateObject().Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Its_file_has_the_names_of_PyTorch(string name)
    {
        using var model = Create(Architectures.Choose(name, new Dictionary<string, string> { ["width"] = "0.0625" }));
        var names = ModelFile.ToArrays(model).Select(a => a.Name).Order(StringComparer.Ordinal).ToArray();
        var keys = Recorded.GetProperty("keys").GetProperty(name);
        Assert.Equal(keys.GetProperty("count").GetInt32(), names.Length);
        Assert.Equal(keys.GetProperty("hash").GetString(), $"{FormulaValues.Hash(string.Join('\n', names)):x16}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Scores_loss_and_gradients_are_those_of_PyTorch(int index)
    {
        var wanted = Recorded.GetProperty("cases")[index];
        var name = wanted.GetProperty("network").GetString()!;
        var size = wanted.GetProperty("size").GetInt32();
        using var model = Load(name, wanted.GetProperty("stem").GetString()!);
        var images = Images(size);

        // The plan, the layers, and PyTorch.
        double[] scores = Doubles(wanted, "logits");
        var (features, planned, layers) = (new float[Batch * model.FeatureWidth], new float[scores.Length], new float[scores.Length]);
        using (var extractor = CompiledExtractor.Compile(model, size, size))
            extractor.Run(images, features, planned);
        using (Tensor.Scope())
        using (Tensor.NoGrad())
        {
            var x = Tensor.From(images, (Batch, size, size, 3), model.Device);
            model.Forward(x).CopyTo(layers);
        }

        // Sums of up to 4,608 terms through up to 50 layers; Winograd's rounding in the plan.
        var largest = scores.Max(Math.Abs);
        for (var i = 0; i < scores.Length; i++)
        {
            Assert.True(Math.Abs(planned[i] - scores[i]) <= 2e-5 * largest, $"{name}, score {i} of the plan: {planned[i]:R}, PyTorch has {scores[i]:R}");
            Assert.True(Math.Abs(layers[i] - scores[i]) <= 1e-5 * largest, $"{name}, score {i} of the layers: {layers[i]:R}, PyTorch has {scores[i]:R}");
        }

        // Of fifty layers that normalise by a few values each, rounding would be all that is seen: that one's gradients are those of evaluation mode.
        model.Training = wanted.GetProperty("training").GetBoolean();
        using var scope = Tensor.Scope();
        var loss = Loss.CrossEntropy(model.Forward(Tensor.From(images, (Batch, size, size, 3), model.Device)), Tensor.From([1, 7], Batch, model.Device));
        var wantedLoss = wanted.GetProperty("loss").GetDouble();
        Assert.Equal(wantedLoss, loss.Item(), 5e-5 * Math.Max(wantedLoss, 1));
        using var gradients = loss.Backward();
        var names = Architectures.Get(name);
        foreach (var (own, parameter) in model.NamedParameters)
        {
            var key = names.PyTorchName(own);
            var recorded = wanted.GetProperty("gradients").GetProperty(key);
            var (norm, projection) = (recorded[0].GetDouble(), recorded[1].GetDouble());
            var gradient = PyTorchLayout(gradients[parameter]);
            var direction = FormulaValues.Units($"projection of {key}", gradient.Length);
            var (gotNorm, gotProjection) = (Math.Sqrt(Dot(gradient, gradient)), Dot(gradient, direction));
            // PyTorch's own float32 is 1e-5 from its float64; a value beside the kink of a ReLU may fall on the other side.
            Assert.True(Math.Abs(gotNorm - norm) <= GradientTolerance * norm, $"{name}, gradient of {key}: norm {gotNorm:R}, PyTorch has {norm:R}");
            Assert.True(Math.Abs(gotProjection - projection) <= GradientTolerance * norm, $"{name}, gradient of {key}: projection {gotProjection:R}, PyTorch has {projection:R} (norm {norm:R})");
        }
    }

    private const double GradientTolerance = 1e-3;

    private static double Dot(float[] a, float[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }

    private static float[] PyTorchLayout(Tensor gradient) =>
        gradient.Shape.Rank == 4 ? gradient.Permute(0, 3, 1, 2).Contiguous().ToArray() : gradient.ToArray();

    // PyTorch's order is [n, c, h, w].
    private static float[] Images(int size)
    {
        var values = FormulaValues.Units("images", Batch * 3 * size * size);
        var images = new float[values.Length];
        for (var i = 0; i < images.Length; i++)
            images[i] = values[(((i / (3 * size * size) * 3) + (i % 3)) * size * size) + (i / 3 % (size * size))];
        return images;
    }

    private static Classifier Load(string name, string stem)
    {
        var model = Create(Architectures.Choose(name, stem.Length == 0 ? new Dictionary<string, string>() : new Dictionary<string, string> { ["stem"] = stem }));
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, ModelFile.ToArrays(model).Select(a =>
            a.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal) ? a : FormulaValues.Of(a.Name, a.Shape)));
        stream.Position = 0;
        using var file = SafetensorsFile.Open(stream, name);
        ModelFile.FillFrom(model, file, "");
        model.Training = false;
        return model;
    }

    private static Classifier Create(Hyperparameters hyperparameters) => Architectures.Create(new ModelDescription
    {
        Hyperparameters = hyperparameters,
        Channels = 3,
        ClassNames = [.. Enumerable.Range(0, Classes).Select(i => $"class {i}")],
        Normalisation = Normalisation.ImageNet,
    }, device: TestDevices.Current);

    private static double[] Doubles(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];
}
