using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Erasure;

namespace EscNative.Tests.Models;

public sealed class ModelFileTests
{
    [Fact]
    public void A_model_comes_back_with_its_scores_description_and_erasure()
    {
        using var folder = new TemporaryFolder();
        var path = folder["model.safetensors"];
        using var model = SmallImages.Model();
        model.Erase(new ErasureOperator(24, Direction(24, 5)));
        model.Erase(new ErasureOperator(24, ErasureFactor.Oblique(Column(24, 2), Column(24, 3), 24, Column(24, 4))));
        model.Training = false;
        ModelFile.Save(model, path, notes: new Dictionary<string, string> { ["seed"] = "3" });
        using var loaded = ModelFile.Load(path);
        Assert.Equal(model.Description.ClassNames, loaded.Description.ClassNames);
        Assert.Equal(Scores(model), Scores(loaded));
        Assert.Equal(2, loaded.Erasure!.Factors.Count);
        Assert.Equal("esc", loaded.Erasure.Factors[0].Origin["method"]);
        Assert.Equal(model.Erasure!.ToDense(), loaded.Erasure.ToDense());
        Assert.False(loaded.Training);
    }

    [Fact]
    public void A_copy_is_equal_and_independent_and_assigning_it_back_undoes_every_change()
    {
        using var model = SmallImages.Model();
        model.Erase(new ErasureOperator(24, Direction(24, 5)));
        model.Training = false;
        var before = Scores(model);
        using var copy = model.Copy();
        Assert.Equal(before, Scores(copy));
        Assert.False(copy.Training);

        model.Erase(new ErasureOperator(24, Direction(24, 7)));
        model.Training = true;
        using (var scope = Tensor.Scope())
        using (Tensor.NoGrad())
        {
            foreach (var parameter in model.Parameters)
                parameter.Value.Assign(parameter.Value * 2);
            foreach (var (_, buffer) in model.NamedBuffers)
                buffer.Assign(buffer + 1);
        }

        Assert.NotEqual(before, Scores(model));
        Assert.Equal(before, Scores(copy));
        model.Assign(copy);
        Assert.Equal(before, Scores(model));
        Assert.Single(model.Erasure!.Factors);
        Assert.False(model.Training);

        using var plain = SmallImages.Model();
        model.Assign(plain);
        Assert.Null(model.Erasure);
        Assert.True(model.Training);
    }

    [Fact]
    public void A_model_of_another_size_is_not_assigned()
    {
        using var model = SmallImages.Model();
        var before = Scores(model);
        using var other = Architectures.Create(model.Description with { ClassNames = ["a", "b"] });
        Assert.Contains("wants one of the shapes", Assert.Throws<ShapeException>(() => model.Assign(other)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Scores(model));
    }

    [Fact]
    public void Names_and_layout_are_those_of_PyTorch()
    {
        var theirs = SafetensorsFile.ReadAll(TestData.Oracle("cifar10_ori_allcnn.safetensors"));
        using var folder = new TemporaryFolder();
        using var model = ModelFile.Load(TestData.Oracle("cifar10_ori_allcnn.safetensors"));
        ModelFile.Save(model, folder["again.safetensors"]);
        var mine = SafetensorsFile.ReadAll(folder["again.safetensors"]);
        Assert.Equal(theirs.Keys.Order(), mine.Keys.Order());
        foreach (var (name, array) in theirs)
        {
            Assert.Equal(array.Shape.ToArray(), mine[name].Shape.ToArray());
            Assert.True(array.Data.Span.SequenceEqual(mine[name].Data.Span), name);
        }
    }

    [Fact]
    public void DataParallel_prefixes_are_not_part_of_a_name()
    {
        using var folder = new TemporaryFolder();
        var path = folder["parallel.safetensors"];
        using var model = SmallImages.Model();
        SafetensorsWriter.Write(path, Arrays(model).Select(a => new NamedArray("module." + a.Name, a.Type, a.Shape, a.Data)));
        using var loaded = ModelFile.Load(path);
        model.Training = false;
        Assert.Equal(Scores(model), Scores(loaded));
    }

    [Theory]
    [InlineData("missing", "lacks the tensor 'features.4.0.weight'")]
    [InlineData("extra", "'surprise'")]
    [InlineData("shape", "head.0.bias")]
    [InlineData("nan", "NaN")]
    [InlineData("unknown", "is not a model that this version knows")]
    [InlineData("erasure", "erasure arrays")]
    public void A_file_that_is_not_the_model_is_refused_with_the_reason(string fault, string reason)
    {
        using var folder = new TemporaryFolder();
        var path = folder["bad.safetensors"];
        using var model = SmallImages.Model();
        var arrays = Arrays(model);
        switch (fault)
        {
            case "missing":
                arrays.RemoveAll(a => a.Name == "features.4.0.weight");
                break;
            case "extra":
                arrays.Add(NamedArray.From("surprise", [1], [1f]));
                break;
            case "shape":
                arrays.RemoveAll(a => a.Name == "head.0.bias");
                arrays.Add(NamedArray.From("head.0.bias", [5], new float[5]));
                break;
            case "nan":
                arrays.RemoveAll(a => a.Name == "head.0.bias");
                arrays.Add(NamedArray.From("head.0.bias", [4], [0, float.NaN, 0, 0]));
                break;
            case "unknown":
                arrays = [NamedArray.From("conv1.weight", [16, 3, 3, 3], new float[432])];
                break;
            default:
                arrays.Add(NamedArray.From("erasure.0.left", [24, 1], new double[24]));
                break;
        }

        SafetensorsWriter.Write(path, arrays);
        var error = Assert.Throws<DataFormatException>(() => ModelFile.Load(path));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("escnative.format", "2", "newer")]
    [InlineData("escnative.width", "wide", "wants a number")]
    [InlineData("escnative.architecture", "vgg", "allcnn")]
    [InlineData("escnative.mean", "0.5,x,0.5", "wants numbers")]
    [InlineData("escnative.erasure.count", "-1", "number of factors")]
    [InlineData("escnative.erasure.count", "1", "kind")]
    public void Metadata_that_contradicts_the_file_is_refused(string key, string value, string reason)
    {
        using var folder = new TemporaryFolder();
        var path = folder["bad.safetensors"];
        using var model = SmallImages.Model();
        ModelFile.Save(model, path);
        Dictionary<string, string> metadata;
        using (var file = SafetensorsFile.Open(path))
            metadata = file.Metadata.ToDictionary();
        metadata[key] = value;
        SafetensorsWriter.Write(path, Arrays(model), metadata, force: true);
        var error = Assert.Throws<DataFormatException>(() => ModelFile.Load(path));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_existing_file_is_replaced_only_by_force()
    {
        using var folder = new TemporaryFolder();
        var path = folder["model.safetensors"];
        using var model = SmallImages.Model();
        ModelFile.Save(model, path);
        var bytes = File.ReadAllBytes(path);
        Assert.Throws<UsageException>(() => ModelFile.Save(model, path));
        Assert.Equal(bytes, File.ReadAllBytes(path));
        ModelFile.Save(model, path, force: true);
        Assert.Equal(bytes, File.ReadAllBytes(path));
    }

    private static List<NamedArray> Arrays(Classifier model)
    {
        using var folder = new TemporaryFolder();
        ModelFile.Save(model, folder["m.safetensors"]);
        return [.. SafetensorsFile.ReadAll(folder["m.safetensors"]).Values];
    }

    private static float[] Scores(Classifier model)
    {
        using var scope = Tensor.Scope();
        return FeatureBank.Extract(model, SmallImages.Set(8, 4)).Logits;
    }

    private static ErasureFactor Direction(int d, int axis) =>
        ErasureFactor.Projection(Column(d, axis), d, new Dictionary<string, string> { ["method"] = "esc" });

    private static double[] Column(int d, int axis)
    {
        var column = new double[d];
        column[axis] = 1;
        return column;
    }
}
