using System.Text.Json;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Models;

namespace EscNative.Tests.Models;

public sealed class VisionTransformerTests
{
    public static TheoryData<string, int> Architectures12 => new() { { "vit-ti16", 192 }, { "vit-s16", 384 }, { "vit-b16", 768 } };

    [Theory]
    [MemberData(nameof(Architectures12))]
    public void Its_tensors_are_timms(string name, int d)
    {
        using var model = Architectures.Create(SmallVit.Description(32, name, classes: 7));
        var wanted = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["cls_token"] = $"1, 1, {d}",
            ["pos_embed"] = $"1, 5, {d}",
            ["patch_embed.proj.weight"] = $"{d}, 3, 16, 16",
            ["patch_embed.proj.bias"] = $"{d}",
            ["norm.weight"] = $"{d}",
            ["norm.bias"] = $"{d}",
            ["head.weight"] = $"7, {d}",
            ["head.bias"] = "7",
        };
        for (var i = 0; i < 12; i++)
        {
            foreach (var (layer, rows, columns) in new[] { ("attn.qkv", 3 * d, d), ("attn.proj", d, d), ("mlp.fc1", 4 * d, d), ("mlp.fc2", d, 4 * d) })
                (wanted[$"blocks.{i}.{layer}.weight"], wanted[$"blocks.{i}.{layer}.bias"]) = ($"{rows}, {columns}", $"{rows}");
            foreach (var norm in new[] { "norm1", "norm2" })
                (wanted[$"blocks.{i}.{norm}.weight"], wanted[$"blocks.{i}.{norm}.bias"]) = ($"{d}", $"{d}");
        }

        Assert.Equal(152, wanted.Count);
        Assert.Equal(
            wanted.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key} [{p.Value}]"),
            ModelFile.ToArrays(model).OrderBy(a => a.Name, StringComparer.Ordinal).Select(a => $"{a.Name} [{string.Join(", ", a.Shape.ToArray())}]"));
    }

    [Fact]
    public void Its_starting_values_are_timms()
    {
        using var model = Architectures.Create(SmallVit.Description(64, "vit-ti16"));
        foreach (var (name, parameter) in model.NamedParameters)
        {
            var values = parameter.Value.ToArray();
            var deviation = Math.Sqrt(values.Sum(v => (double)v * v) / values.Length);
            var wanted = name.EndsWith(".bias", StringComparison.Ordinal) && !name.Contains("patch_embed", StringComparison.Ordinal) ? 0
                : name.Contains("norm", StringComparison.Ordinal) ? 1
                : name.Contains("cls_token", StringComparison.Ordinal) ? 1e-6
                // Uniform within 1 / sqrt(768), PyTorch's own.
                : name.Contains("patch_embed", StringComparison.Ordinal) ? 1 / Math.Sqrt(3 * 768)
                : 0.02;
            // Six deviations of an estimate from so many values.
            Assert.True(Math.Abs(deviation - wanted) <= wanted * 6 / Math.Sqrt(2.0 * values.Length), $"{name}: deviation {deviation:G4}, wants {wanted:G4}");
            if (wanted == 1)
                Assert.All(values, v => Assert.Equal(1, v));
        }
    }

    [Fact]
    public void A_file_is_recognised_by_width_and_tokens_and_comes_back_bit_for_bit()
    {
        using var folder = new TemporaryFolder();
        using var model = Architectures.Create(SmallVit.Description(48, "vit-ti16", classes: 5), seed: 8);
        ModelFile.Save(model, folder["own.safetensors"]);
        SafetensorsWriter.Write(folder["timm.safetensors"], ModelFile.ToArrays(model));
        foreach (var file in new[] { "own.safetensors", "timm.safetensors" })
        {
            using var loaded = ModelFile.Load(folder[file]);
            Assert.Equal(new VisionTransformerHyperparameters("vit-ti16", 48), loaded.Description.Hyperparameters);
            Assert.Equal((48, 48, 3), loaded.Description.Input());
            Assert.Equal(RunIdentity.WeightsOf(model), RunIdentity.WeightsOf(loaded));
        }
    }

    [Fact]
    public void A_file_of_another_grid_gets_its_positions_resampled()
    {
        using var folder = new TemporaryFolder();
        using var model = SmallVit.Model(size: 48);
        var arrays = ModelFile.ToArrays(model);
        // The same network for images of 32 pixels, by its metadata.
        using (var smaller = SmallVit.Model(size: 32))
        {
            ModelFile.Save(smaller, folder["small.safetensors"]);
            using var saved = SafetensorsFile.Open(folder["small.safetensors"]);
            SafetensorsWriter.Write(folder["mixed.safetensors"], arrays, saved.Metadata);
        }

        var remarks = new List<string>();
        using var loaded = ModelFile.Load(folder["mixed.safetensors"], options: new ModelLoadOptions { Remarks = remarks });
        Assert.Single(remarks, r => r.StartsWith("Tensor 'pos_embed' [1, 37, 32] became [1, 17, 32]: resampled as timm does, bicubic and antialiased", StringComparison.Ordinal));
        Assert.Contains("wants VisionTransformerHyperparameters", Assert.Throws<UsageException>(() => Architectures.Get("vit-s16").Input(new AllCnnHyperparameters())).Message, StringComparison.Ordinal);
        Assert.Equal((32, 32, 3), loaded.Description.Input());
        var (old, got) = (Positions(model), Positions(loaded));
        Assert.Equal(17 * 32, got.Length);
        Assert.Equal(old[..32], got[..32]);
        Assert.Equal(PositionGrid.Resample(NamedArray.From("pos_embed", [1, 37, 32], old), 4).ToFloat32(), got);
        using var scope = Tensor.Scope();
        Assert.Equal(new Shape(2, 4), loaded.Forward(Tensor.Zeros((2, 32, 32, 3))).Shape);

        static float[] Positions(Classifier model) => model.NamedParameters.Single(p => p.Name.EndsWith("pos_embed", StringComparison.Ordinal)).Parameter.Value.ToArray();
    }

    [Fact]
    public void Positions_are_resampled_as_PyTorch_interpolates()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "Models", "data", "positions.json")));
        Assert.Equal(8, json.RootElement.GetArrayLength());
        foreach (var grid in json.RootElement.EnumerateArray())
        {
            var (old, side, width) = (grid.GetProperty("old").GetInt32(), grid.GetProperty("new").GetInt32(), grid.GetProperty("width").GetInt32());
            var from = PlaceValues.Uniform((1 + (old * old)) * width, 3000 + old).Select(v => (float)v).ToArray();
            var got = PositionGrid.Resample(NamedArray.From("pos_embed", [1, 1 + (old * old), width], from), side).ToFloat32();
            Assert.Equal(from[..width], got[..width]);
            var wanted = grid.GetProperty("values").EnumerateArray().Select(v => v.GetSingle()).ToArray();
            Assert.Equal(wanted.Length, got.Length - width);
            // Two sums of up to 30 terms below 1 in float32 there, in float64 here: 30 x 2 x 2^-24 = 4e-6.
            for (var i = 0; i < wanted.Length; i++)
                Assert.InRange(got[width + i], wanted[i] - 4e-6f, wanted[i] + 4e-6f);
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-16")]
    [InlineData("100")]
    [InlineData("2048")]
    [InlineData("big")]
    public void A_size_that_makes_no_patches_is_refused(string size)
    {
        var message = Assert.Throws<UsageException>(() => Architectures.Choose("vit-s16", new Dictionary<string, string> { ["size"] = size })).Message;
        Assert.Contains("size", message, StringComparison.Ordinal);
        Assert.Contains(size, message, StringComparison.Ordinal);
    }

    [Theory]
    // DeiT's distillation token; a class token and no patches; more than 64 x 64 patches.
    [InlineData(198, "1 + n²")]
    [InlineData(1, "1 + n²")]
    [InlineData(1 + (65 * 65), "1040")]
    public void Tokens_that_are_no_grid_are_refused_by_name(int tokens, string wanted)
    {
        using var folder = new TemporaryFolder();
        using var model = Architectures.Create(SmallVit.Description(32, "vit-ti16"));
        var arrays = ModelFile.ToArrays(model).Where(a => a.Name != "pos_embed").Append(NamedArray.From("pos_embed", [1, tokens, 192], new float[tokens * 192]));
        SafetensorsWriter.Write(folder["deit.safetensors"], [.. arrays]);
        var message = Assert.Throws<DataFormatException>(() => ModelFile.Load(folder["deit.safetensors"])).Message;
        Assert.Contains("pos_embed", message, StringComparison.Ordinal);
        Assert.Contains(wanted, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_another_size_are_refused()
    {
        using var model = SmallVit.Model();
        using var scope = Tensor.Scope();
        Assert.Contains("[1, 40, 40, 3]", Assert.Throws<ShapeException>(() => model.Forward(Tensor.Zeros((1, 40, 40, 3)))).Message, StringComparison.Ordinal);
        Assert.Contains("[40, 40, 3]", Assert.Throws<ShapeException>(() => CompiledExtractor.Compile(model, 40, 40)).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => new VisionTransformer(new VisionTransformerShape(10, 3), 32, 3, new EscNative.Kernels.RandomSource(1)));
        Assert.Equal(new Shape(0, 4), model.Forward(Tensor.Zeros((0, 32, 32, 3))).Shape);
    }

    [Fact]
    public void It_learns_on_the_tests_device()
    {
        using var model = SmallVit.Model(EscNative.Tests.Engine.TestDevices.Current);
        var history = new Trainer(model, SmallImages.Data(train: 32, test: 8), new TrainOptions { Epochs = 4, BatchSize = 8, LearningRate = 0.02 }).Run();
        Assert.True(history[^1].Loss < 0.8 * history[0].Loss, $"{history[0].Loss} to {history[^1].Loss}");
        Assert.All(model.NamedModules.Select(m => m.Module).OfType<LayerNorm>(), norm => Assert.Equal(1e-6, norm.Eps));
    }
}
