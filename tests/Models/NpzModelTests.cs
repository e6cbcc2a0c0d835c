using System.IO.Compression;
using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Tests.Models;

/// <summary>Weights in NumPy's archives: read as those in safetensors files, refused with the same words.</summary>
public sealed class NpzModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    public void A_model_is_the_same_from_either(CompressionLevel level)
    {
        using var model = SmallImages.Model();
        using var loaded = ModelFile.Load(Save(ModelFile.ToArrays(model), level));
        Assert.Equal(RunIdentity.WeightsOf(model), RunIdentity.WeightsOf(loaded));
        Assert.False(loaded.Training);
        using var file = ArrayFile.Open(_folder["weights.npz"]);
        Assert.IsType<NpzFile>(file);
        Assert.Equal([4, 24], file.Find("head.0.weight")!.Shape);
        Assert.Null(file.Find("head.1.weight"));
    }

    [Fact]
    public void What_is_missing_wrong_or_damaged_is_named()
    {
        using var model = SmallImages.Model();
        var arrays = ModelFile.ToArrays(model);
        Refused("lacks the tensor 'head.0.bias' [4]", arrays.Where(a => a.Name != "head.0.bias"));
        Refused("tensor 'head.0.bias' holds NaN at value 1", arrays.Where(a => a.Name != "head.0.bias").Append(NamedArray.From("head.0.bias", [4], [0, float.NaN, 0, 0])));
        Refused("is not a model that this version knows", [arrays[1]]);
        Refused("erasure arrays", arrays.Append(NamedArray.From("erasure.0.left", [24, 1], new double[24])));

        var bytes = File.ReadAllBytes(Save(arrays, CompressionLevel.NoCompression));
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(_folder["weights.npz"], bytes);
        Assert.Contains("is damaged: its checksum is", Assert.Throws<DataFormatException>(() => ModelFile.Load(_folder["weights.npz"])).Message, StringComparison.Ordinal);

        void Refused(string reason, IEnumerable<NamedArray> changed)
        {
            var failure = Assert.Throws<DataFormatException>(() => ModelFile.Load(Save(changed, CompressionLevel.NoCompression)));
            Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
            Assert.StartsWith(_folder["weights.npz"], failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_array_that_claims_more_than_it_has_is_refused_when_the_file_is_opened()
    {
        var path = _folder["weights.npz"];
        using (var archive = ZipFile.Open(path, ZipArchiveMode.Create))
        using (var entry = archive.CreateEntry("head.0.weight.npy", CompressionLevel.NoCompression).Open())
        {
            Npy.WriteHeader(entry, ArrayType.F32, [1 << 20, 1 << 20]);
        }

        Assert.Contains("wants more than the 0 bytes", Assert.Throws<DataFormatException>(() => ArrayFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_tool_takes_such_weights()
    {
        using var files = new Bench.SmallFiles();
        using var model = ModelFile.Load(files.Model);
        var path = Save(ModelFile.ToArrays(model), CompressionLevel.Fastest);
        var outcome = Bench.CommandLine.Run(name => name == "COLUMNS" ? "150" : null, "inspect", path);
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Contains("3 channels, 8 features, 10 classes", outcome.Output, StringComparison.Ordinal);
        outcome = Bench.CommandLine.Run("unlearn", "--model-file", path, "--output", _folder["out.safetensors"], "--forget-class", "4", "--k", "1", "--data", "embedded");
        Assert.True(outcome.Code == 0, outcome.ToString());
        using var erased = ModelFile.Load(_folder["out.safetensors"]);
        Assert.NotNull(erased.Erasure);
    }

    private string Save(IEnumerable<NamedArray> arrays, CompressionLevel level)
    {
        var path = _folder["weights.npz"];
        File.Delete(path);
        using var archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var array in arrays)
        {
            using var entry = archive.CreateEntry(array.Name + ".npy", level).Open();
            Npy.Write(entry, array);
        }

        return path;
    }
}
