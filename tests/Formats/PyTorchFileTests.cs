using System.Security.Cryptography;
using System.Text;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

/// <summary>Checkpoints that PyTorch wrote, read bit for bit as PyTorch reads them (record_checkpoints.py has how they were made).</summary>
public sealed class PyTorchFileTests
{
    public static TheoryData<string> Recorded =>
    [
        "state", "state_legacy", "state_protocol4", "state_legacy_protocol4", "checkpoint", "averaged", "parallel", "parallel_module", "module", "module_legacy",
        "module_inside", "types", "views", "views_legacy", "attributes",
    ];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void What_PyTorch_recorded_is_read_bit_for_bit(string name)
    {
        using var file = ArrayFile.Open(Data(name + ".pth"));
        Assert.IsType<PyTorchFile>(file);
        using var values = SafetensorsFile.Open(Data(name + ".safetensors"));
        Assert.Equal(values.Entries.Select(e => e.Name).Order(StringComparer.Ordinal), file.Entries.Where(e => e.Type is not null).Select(e => e.Name).Order(StringComparer.Ordinal));
        foreach (var expected in values.Entries)
            Same(values.Read(expected.Name), file.Read(expected.Name), file.Find(expected.Name)!);
        // A view is read as often as it is asked for.
        Same(values.Read(values.Entries[0].Name), file.Read(values.Entries[0].Name), file.Find(values.Entries[0].Name)!);
    }

    [Theory]
    [InlineData("state")]
    [InlineData("module")]
    [InlineData("module_legacy")]
    [InlineData("parallel_module")]
    public void The_order_is_that_of_the_state_dict(string name)
    {
        using var file = PyTorchFile.Open(Data(name + ".pth"));
        using var values = SafetensorsFile.Open(Data(name + ".safetensors"));
        Assert.Equal(values.Entries.Select(e => e.Name), file.Entries.Select(e => e.Name));
    }

    [Fact]
    public void What_stands_beside_the_weights_is_told()
    {
        using var file = PyTorchFile.Open(Data("checkpoint.pth"));
        Assert.Equal("3", file.Metadata["pytorch.epoch"]);
        Assert.Equal("plain", file.Metadata["pytorch.arch"]);
        Assert.Equal("71.5", file.Metadata["pytorch.best_acc1"]);
        Assert.Equal("0.25", file.Metadata["pytorch.loss"]);
        Assert.Equal("true", file.Metadata["pytorch.done"]);
        Assert.Equal("zip", file.Metadata["pytorch.container"]);
        Assert.Contains("The weights are those under 'state_dict'; there are others under 'state_dict_ema', which were not taken.", file.Remarks);
        var left = Assert.Single(file.Remarks, r => r.StartsWith("Left aside beside them", StringComparison.Ordinal));
        Assert.Contains("optimizer", left, StringComparison.Ordinal);
        Assert.Contains("scheduler", left, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_beside_the_weights_is_left_aside()
    {
        // As the training script of PyTorch's ImageNet example saves them: best_acc1 is a tensor.
        var maker = new CheckpointMaker([NamedArray.From("w", [2], [1f, 2f])]);
        foreach (var averaged in (bool[])[false, true])
        {
            var name = averaged ? "state_dict_ema" : "state_dict";
            var p = PickleBytes.Begin().Op('}').Op('(').Text("best_acc1").Do(Tensor).Text(name).Op('}').Text("w").Do(Tensor).Op('s').Op('u').Op('.');
            using var file = PyTorchFile.Open(new MemoryStream(maker.Zip(p.ToArray())), "a.pth");
            // Averaged weights alone are no reason: they stand beside plain ones.
            Assert.Equal(averaged ? "best_acc1" : "w", Assert.Single(file.Entries).Name);
            Assert.Contains(file.Remarks, r => r.StartsWith("Left aside", StringComparison.Ordinal) && r.Contains(averaged ? name : "best_acc1", StringComparison.Ordinal));
            Assert.Equal([1f, 2f], file.Read(file.Entries[0].Name).ToFloat32());
        }

        static void Tensor(PickleBytes p) => p.Global("torch._utils", "_rebuild_tensor_v2").Op('(').Op('(').Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Int(2)
            .Op('t').Op('Q').Int(0).Ints(2).Ints(1).Raw(0x89).Op('N').Op('t').Op('R');
    }

    [Fact]
    public void An_empty_tensor_has_no_values_wherever_it_starts()
    {
        var maker = new CheckpointMaker([NamedArray.From("w", [2], [1f, 2f])]);
        maker.Tensors[0] = maker.Tensors[0] with { Offset = 2, Size = [0, 5], Stride = [1L << 40, 1] };
        foreach (var bytes in (byte[][])[maker.Zip(), maker.Legacy()])
        {
            using var file = PyTorchFile.Open(new MemoryStream(bytes), "a.pth");
            var array = file.Read("w");
            Assert.Equal([0, 5], array.Shape);
            Assert.Equal(0, array.Data.Length);
        }
    }

    [Fact]
    public void Averaged_weights_are_taken_where_there_are_no_others_and_it_is_said()
    {
        using var file = PyTorchFile.Open(Data("averaged.pth"));
        Assert.Contains(file.Remarks, r => r.Contains("averaged over the training", StringComparison.Ordinal));
    }

    [Fact]
    public void A_whole_module_says_its_class_and_settings()
    {
        using var file = PyTorchFile.Open(Data("module.pth"));
        Assert.EndsWith(".Net", file.Metadata["pytorch.class"], StringComparison.Ordinal);
        Assert.Equal("5", file.Metadata["pytorch.module.num_classes"]);
        Assert.Contains(file.Remarks, r => r.StartsWith("A whole module of the class", StringComparison.Ordinal));
        Assert.Null(file.Find("dropped"));
        Assert.NotNull(file.Find("kept"));
        using var legacy = PyTorchFile.Open(Data("module_legacy.pth"));
        Assert.Equal(("torch.nn.modules.container.Sequential", "legacy"), (legacy.Metadata["pytorch.class"], legacy.Metadata["pytorch.container"]));
    }

    [Theory]
    [InlineData("complex64", "complex64", "holds complex64, which is not read")]
    [InlineData("complex128", "complex128", "convert it to float32")]
    [InlineData("float8_e4m3fn", "float8_e4m3fn", "holds float8_e4m3fn")]
    [InlineData("quantised", "quantised qint8", "is quantised, which is not read; dequantize()")]
    [InlineData("channels", "quantised quint8", "dequantize()")]
    [InlineData("sparse", "torch.sparse_coo", "to_dense()")]
    [InlineData("meta", "meta float32", "has no values")]
    [InlineData("negated", "negated float32", "resolve_neg()")]
    public void A_type_that_is_not_read_is_listed_and_refused_by_name(string name, string type, string reason)
    {
        using var file = PyTorchFile.Open(Data("types.pth"));
        var entry = file.Find(name)!;
        Assert.Null(entry.Type);
        Assert.Equal(type, entry.TypeName);
        var failure = Assert.Throws<DataFormatException>(() => file.Read(name));
        Assert.Contains($"tensor '{name}'", failure.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cifar10_ori_allcnn")]
    [InlineData("cifar10_retrain4_allcnn")]
    public void Checkpoints_of_the_released_code_equal_their_twins(string name) => Twins(TestData.Oracle(name + ".pth"), TestData.Oracle(name + ".safetensors"));

    [Fact]
    public void A_checkpoint_of_burn_is_what_PyTorch_reads()
    {
        // The safetensors file beside it is of another training, so the values are held against the hash of what torch.load gave: names, sorted, each with its bytes.
        using var file = PyTorchFile.Open(TestData.Weights("burn_mnist.pt"));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in file.Entries.Select(e => e.Name).Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(file.Read(name).Data.Span);
        }

        Assert.Equal("59baf7ce5196ef7ec1b1c065d7653f56661a76df82b49e2135285ee0476056c9", Convert.ToHexStringLower(hash.GetHashAndReset()));
        using var other = SafetensorsFile.Open(TestData.Weights("burn_mnist.safetensors"));
        Assert.Equal(Shapes(other), Shapes(file));

        static IEnumerable<string> Shapes(INamedArraySource source) =>
            source.Entries.Select(e => $"{e.Name} {e.Type} {string.Join('x', e.Shape.ToArray())}").Order(StringComparer.Ordinal);
    }

    [Fact]
    public void A_checkpoint_from_before_zip_archives_equals_its_twin()
    {
        Twins(TestData.Weights("resnet20-12fca82f.th"), TestData.Weights("resnet20-12fca82f.safetensors"));
        using var file = PyTorchFile.Open(TestData.Weights("resnet20-12fca82f.th"));
        Assert.Equal("legacy", file.Metadata["pytorch.container"]);
        Assert.StartsWith("91.7", file.Metadata["pytorch.best_prec1"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_not_there_is_said()
    {
        using var file = PyTorchFile.Open(Data("state.pth"));
        Assert.Null(file.Find("none"));
        Assert.Contains("has no tensor 'none' (it has 9, for example '0.weight'", Assert.Throws<DataFormatException>(() => file.Read("none")).Message, StringComparison.Ordinal);
    }

    internal static string Data(string name) => Path.Combine(Repository.Root, "tests", "Formats", "data", name);

    // DataParallel's prefix is the file's own; whoever made the twin may have taken it off.
    private static void Twins(string checkpoint, string twin)
    {
        using var file = ArrayFile.Open(checkpoint);
        using var other = SafetensorsFile.Open(twin);
        Assert.IsType<PyTorchFile>(file);
        Assert.NotEmpty(file.Entries);
        Assert.Equal(other.Entries.Count, file.Entries.Count);
        foreach (var entry in file.Entries)
        {
            var name = other.Find(entry.Name) is not null ? entry.Name : entry.Name.Replace("module.", "", StringComparison.Ordinal);
            Same(other.Read(name), file.Read(entry.Name), entry);
        }
    }

    private static void Same(NamedArray expected, NamedArray actual, NamedArrayInfo info)
    {
        Assert.Equal(expected.Type, actual.Type);
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.Equal(expected.Shape, info.Shape);
        Assert.Equal((expected.Type, (long)expected.Data.Length), (info.Type, info.Length));
        Assert.True(expected.Data.Span.SequenceEqual(actual.Data.Span), $"{info.Name}: other bytes");
    }
}
