using System.Globalization;
using System.Text.RegularExpressions;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Tests.Formats;

namespace EscNative.Tests.Models;

/// <summary>The names that other libraries give the tensors of the networks that are known here.</summary>
public sealed class NameMapTests
{
    private const int Depth = 12;

    [Fact]
    public void A_ViT_of_torchvision_has_timms_names()
    {
        var (mapped, map) = Only(Source(Recorded("vit_b_16")));
        Assert.Equal("torchvision's ViT", map!.Source);
        Assert.Equal("imagenet", map.Normalisation!.Name);
        Assert.Equal(TimmNames(768, 1000).Order(StringComparer.Ordinal), Described(mapped).Order(StringComparer.Ordinal));
        // The names of before torchvision 0.13.
        var old = Recorded("vit_b_16").Select(e => (Regex.Replace(e.Name, @"mlp\.(0|3)\.", m => m.Groups[1].Value == "0" ? "mlp.linear_1." : "mlp.linear_2."), e.Shape));
        Assert.Equal(TimmNames(768, 1000).Order(StringComparer.Ordinal), Described(Only(Source(old)).Tensors).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Query_key_and_value_of_Hugging_Face_become_one()
    {
        const int d = 8;
        var random = new Random(5);
        var arrays = HuggingFaceViT(d, 2, 3).Select(e => Array(e.Name, e.Shape, random)).ToList();
        arrays.Add(Array("vit.pooler.dense.weight", [d, d], random));
        using var file = Source(arrays);
        var (mapped, map) = Only(file);
        Assert.Equal(("Hugging Face's ViT", "half"), (map!.Source, map.Normalisation!.Name));
        Assert.Equal(TimmNames(d, 3, 2, patch: 2, tokens: 5, hidden: 4 * d).Order(StringComparer.Ordinal), Described(mapped).Order(StringComparer.Ordinal));
        var joined = mapped.Read("blocks.1.attn.qkv.weight");
        Assert.Equal([3 * d, d], joined.Shape);
        float[] parts = [.. new[] { "query", "key", "value" }.SelectMany(part => file.Read($"vit.encoder.layer.1.attention.attention.{part}.weight").ToFloat32())];
        Assert.Equal(parts, joined.ToFloat32());
        Assert.Equal(3 * d, mapped.Read("blocks.0.attn.qkv.bias").Count);
        Assert.Equal(
            "vit.encoder.layer.0.attention.attention.query.bias, vit.encoder.layer.0.attention.attention.key.bias, vit.encoder.layer.0.attention.attention.value.bias",
            mapped.StoredName("blocks.0.attn.qkv.bias"));
        Assert.Equal(file.Read("classifier.weight").ToFloat32(), mapped.Read("head.weight").ToFloat32());
        Assert.Null(mapped.Find("vit.pooler.dense.weight"));
    }

    [Fact]
    public void A_key_that_is_missing_leaves_the_map_out()
    {
        using var file = Source(HuggingFaceViT(8, 2, 3).Where(e => !e.Name.EndsWith("layer.1.attention.attention.key.weight", StringComparison.Ordinal)));
        Assert.DoesNotContain(NameMap.ViewsOf(file), v => v.Map is not null);
    }

    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet50")]
    public void A_ResNet_of_Hugging_Face_has_torchvisions_names(string network)
    {
        var expected = Recorded(network).ToArray();
        var foreign = expected.Select(e => (HuggingFaceResNet(e.Name), e.Shape)).ToArray();
        Assert.Equal(foreign.Length, foreign.DistinctBy(e => e.Item1).Count());
        using var file = Source(foreign);
        var (mapped, map) = Only(file);
        Assert.Equal("Hugging Face's ResNet", map!.Source);
        Assert.Equal(expected.Select(Text), Described(mapped));
    }

    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet50")]
    public void Public_ResNets_of_CIFAR_have_torchvisions_names(string network)
    {
        var expected = Recorded(network).ToArray();
        foreach (var (source, rename) in ((string, Func<string, string>)[])[("pytorch-cifar", KuangLiu), ("pytorch-cifar100", Weiaicunzai)])
        {
            using var file = Source(expected.Select(e => (rename(e.Name), e.Shape)));
            var (mapped, map) = Only(file);
            Assert.Equal(source, map!.Source);
            Assert.StartsWith("cifar10", map.Normalisation!.Name, StringComparison.Ordinal);
            Assert.Equal(expected.Select(Text), Described(mapped));
        }
    }

    [Fact]
    public void Old_names_of_pytorch_resnet_cifar10_are_known()
    {
        using var file = Source([("module.compressible_conv1.weight", [16, 3, 3, 3]), ("module.bn1.weight", [16]), ("module.compressible_linear.weight", [10, 64])]);
        Assert.Equal(["conv1.weight 16x3x3x3", "bn1.weight 16", "linear.weight 10x64"], Described(Only(file).Tensors));
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("_orig_mod.")]
    [InlineData("module._orig_mod.")]
    [InlineData("_orig_mod.module.")]
    [InlineData("model.")]
    [InlineData("module.net.")]
    public void What_wraps_a_network_is_taken_off(string prefix)
    {
        using var model = HostileCheckpointTests.Small();
        using var file = Source([.. ModelFile.ToArrays(model, prefix)]);
        using var loaded = ModelFile.Load(file);
        Assert.Equal(RunIdentity.WeightsOf(model), RunIdentity.WeightsOf(loaded));
    }

    [Fact]
    public void A_prefix_that_not_all_names_have_stays()
    {
        using var file = Source([("module.a", [1]), ("b", [1])]);
        Assert.Equal(["module.a 1", "b 1"], Described(NameMap.ViewsOf(file).Single().Tensors));
    }

    [Theory]
    [InlineData("dist_token", "two features and two heads")]
    [InlineData("head_dist.weight", "two features and two heads")]
    [InlineData("fc_norm.weight", "averages the patches")]
    [InlineData("pre_logits.fc.weight", "a layer before its head")]
    [InlineData("blocks.0.ls1.gamma", "layer scales")]
    [InlineData("blocks.0.gamma_1", "DeiT-III")]
    [InlineData("reg_token", "register tokens")]
    [InlineData("norm_pre.weight", "before its blocks")]
    [InlineData("blocks.0.attn.q_norm.weight", "normalises its queries")]
    [InlineData("blocks.0.attn.relative_position_bias_table", "relative positions")]
    public void A_variant_of_the_ViT_is_refused_by_name(string tensor, string reason)
    {
        using var file = Source(Timm(8, 3, 1, 2, 5, 32).Append((tensor, [8])));
        var failure = Assert.Throws<DataFormatException>(() => ModelFile.Load(file));
        Assert.Contains($"tensor '{tensor}'", failure.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_variants_are_refused_by_what_is_missing_or_has_another_shape()
    {
        var timm = Timm(8, 3, 1, 2, 5, 32).ToArray();
        Refused("one for each patch and none for the class token", timm.Select(e => e.Name == "pos_embed" ? (e.Name, [1, 4, 8]) : e));
        Refused("without a class token", timm.Where(e => e.Name != "cls_token"));
        Refused("has already unlearned", timm.Append(("esc", [8, 7])));
        Refused("without a classifier", HuggingFaceViT(8, 1, 3).Where(e => !e.Name.StartsWith("classifier", StringComparison.Ordinal)));
        Refused("distillation token", [("deit.embeddings.distillation_token", [1, 1, 8])]);
        var resnet = Recorded("resnet50").ToArray();
        Refused("ResNeXt", resnet.Select(e => e.Name == "layer1.0.conv2.weight" ? (e.Name, [128, 4, 3, 3]) : e));
        Refused("a wide ResNet", resnet.Select(e => e.Name == "layer1.0.conv1.weight" ? (e.Name, [128, 64, 1, 1]) : e).Where(e => e.Name != "layer2.0.conv1.weight"));
        Refused("several convolutions", resnet.Select(e => e.Name == "conv1.weight" ? ("conv1.0.weight", e.Shape) : e));
        Refused("SE-ResNet", resnet.Append(("layer1.0.se.fc1.weight", [4, 64, 1, 1])).Where(e => e.Name != "layer2.0.conv1.weight"));
        Refused("averages before its shortcuts", resnet.Select(e => e.Name == "layer1.0.downsample.1.weight" ? (e.Name, [256, 64, 1, 1]) : e).Where(e => e.Name != "layer2.0.conv1.weight"));
        Refused("(option B)", [("conv1.weight", [16, 3, 3, 3]), ("layer3.0.conv1.weight", [64, 32, 3, 3]), ("layer2.0.shortcut.0.weight", [32, 16, 1, 1]), ("linear.weight", [10, 64])]);

        static void Refused(string reason, IEnumerable<(string Name, int[] Shape)> tensors)
        {
            using var file = Source(tensors);
            Assert.Contains(reason, Assert.Throws<DataFormatException>(() => ModelFile.Load(file)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_network_of_a_user_is_asked_whatever_the_others_say()
    {
        // As wrong as a file can be for a ViT, and named as if it came with the library.
        var timm = Timm(384, 3, 12, 16, 6, 1536).ToArray();
        using (var broken = Source(timm))
            Assert.Contains("a square grid of patches", Assert.Throws<DataFormatException>(() => Architectures.Recognise(broken)).Message, StringComparison.Ordinal);
        Architectures.Register(new SqueezedNetwork());
        using var vit = Source(timm.Append((SqueezedNetwork.Mine, [2, 8])));
        Assert.Equal("resnet-se", ForeignModel.Recognise(vit).Description.Architecture);
        using var resnet = Source([("conv1.weight", [8, 3, 3, 3]), ("layer1.0.se.fc1.weight", [4, 8, 1, 1]), (SqueezedNetwork.Mine, [2, 8])]);
        Assert.Equal("resnet-se", ForeignModel.Recognise(resnet).Description.Architecture);
        using var known = Source(timm);
        Assert.Contains("a square grid of patches", Assert.Throws<DataFormatException>(() => Architectures.Recognise(known)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_file_was_taken_for_is_said()
    {
        var remarks = new List<string>();
        using (var model = TinyResNets.Model("resnet18"))
        using (var file = Source(ModelFile.ToArrays(model)))
        {
            ModelFile.Load(file, options: new ModelLoadOptions { Remarks = remarks }).Dispose();
            Assert.Contains("Taken as resnet18 (stem cifar, width 0.0625), images of 32 x 32; --image-size tells another.", remarks);
            remarks.Clear();
            ModelFile.Load(file, options: new ModelLoadOptions { Remarks = remarks, ImageSize = 48 }).Dispose();
            Assert.Contains("Taken as resnet18 (stem cifar, width 0.0625).", remarks);
        }

        remarks.Clear();
        using (var model = HostileCheckpointTests.Small())
        using (var file = Source(ModelFile.ToArrays(model)))
        {
            ModelFile.Load(file, options: new ModelLoadOptions { Remarks = remarks }).Dispose();
            Assert.Single(remarks, r => r.StartsWith("Taken as allcnn (width 0.0", StringComparison.Ordinal) && r.EndsWith("), images of 32 x 32.", StringComparison.Ordinal));
        }

        Assert.Contains("downsample_in_bottleneck", NameMap.All.Single(m => m.Source == "Hugging Face's ResNet").Remark, StringComparison.Ordinal);
    }

    [Fact]
    public void The_nearest_name_is_the_one_that_was_meant()
    {
        string[] known = ["features.0.0.weight", "features.0.1.weight", "head.0.weight"];
        Assert.Equal("head.0.weight", NearestName.Of("head.weight", known));
        Assert.Equal("features.0.0.weight", NearestName.Of("features.0.0.wieght", known));
        Assert.Null(NearestName.Of("x", known));
        Assert.Null(NearestName.Of("head.0.weight", []));
    }

    // Whatever a file holds is tried as it is first; one map, at most, is its own.
    private static (RenamedSource Tensors, NameMap? Map) Only(INamedArraySource file) => NameMap.ViewsOf(file).Last(v => v.Map is not null);

    private static IEnumerable<(string Name, int[] Shape)> Recorded(string network) => File.ReadLines(PyTorchFileTests.Data("torchvision_names.txt"))
        .Select(line => line.Split(' ')).Where(parts => parts[0] == network)
        .Select(parts => (parts[1], System.Array.ConvertAll(parts[2].Split('x', StringSplitOptions.RemoveEmptyEntries), n => int.Parse(n, CultureInfo.InvariantCulture))));

    private static IEnumerable<string> TimmNames(int d, int classes, int depth = Depth, int patch = 16, int tokens = 197, int hidden = 3072) =>
        Timm(d, classes, depth, patch, tokens, hidden).Select(Text);

    // As timm's VisionTransformer has them.
    private static IEnumerable<(string Name, int[] Shape)> Timm(int d, int classes, int depth, int patch, int tokens, int hidden)
    {
        yield return ("cls_token", [1, 1, d]);
        yield return ("pos_embed", [1, tokens, d]);
        yield return ("patch_embed.proj.weight", [d, 3, patch, patch]);
        yield return ("patch_embed.proj.bias", [d]);
        for (var i = 0; i < depth; i++)
        {
            foreach (var (name, rows, columns) in ((string, int, int)[])[("norm1", d, 0), ("attn.qkv", 3 * d, d), ("attn.proj", d, d), ("norm2", d, 0), ("mlp.fc1", hidden, d), ("mlp.fc2", d, hidden)])
            {
                yield return ($"blocks.{i}.{name}.weight", columns == 0 ? [rows] : [rows, columns]);
                yield return ($"blocks.{i}.{name}.bias", [rows]);
            }
        }

        yield return ("norm.weight", [d]);
        yield return ("norm.bias", [d]);
        yield return ("head.weight", [classes, d]);
        yield return ("head.bias", [classes]);
    }

    private static IEnumerable<(string Name, int[] Shape)> HuggingFaceViT(int d, int depth, int classes)
    {
        yield return ("vit.embeddings.cls_token", [1, 1, d]);
        yield return ("vit.embeddings.position_embeddings", [1, 5, d]);
        yield return ("vit.embeddings.patch_embeddings.projection.weight", [d, 3, 2, 2]);
        yield return ("vit.embeddings.patch_embeddings.projection.bias", [d]);
        for (var i = 0; i < depth; i++)
        {
            foreach (var (name, rows, columns) in ((string, int, int)[])[
                ("attention.attention.query", d, d), ("attention.attention.key", d, d), ("attention.attention.value", d, d), ("attention.output.dense", d, d),
                ("intermediate.dense", 4 * d, d), ("output.dense", d, 4 * d), ("layernorm_before", d, 0), ("layernorm_after", d, 0)])
            {
                yield return ($"vit.encoder.layer.{i}.{name}.weight", columns == 0 ? [rows] : [rows, columns]);
                yield return ($"vit.encoder.layer.{i}.{name}.bias", [rows]);
            }
        }

        yield return ("vit.layernorm.weight", [d]);
        yield return ("vit.layernorm.bias", [d]);
        yield return ("classifier.weight", [classes, d]);
        yield return ("classifier.bias", [classes]);
    }

    private static string HuggingFaceResNet(string name)
    {
        name = Regex.Replace(name, @"^conv1\.", "resnet.embedder.embedder.convolution.");
        name = Regex.Replace(name, @"^bn1\.", "resnet.embedder.embedder.normalization.");
        name = Regex.Replace(name, @"^fc\.", "classifier.1.");
        name = Regex.Replace(name, @"^layer(\d)\.(\d+)\.", m => $"resnet.encoder.stages.{m.Groups[1].Value[0] - '1'}.layers.{m.Groups[2].Value}.");
        name = Regex.Replace(name, @"\.conv(\d)\.", m => $".layer.{m.Groups[1].Value[0] - '1'}.convolution.");
        name = Regex.Replace(name, @"\.bn(\d)\.", m => $".layer.{m.Groups[1].Value[0] - '1'}.normalization.");
        return name.Replace("downsample.0.", "shortcut.convolution.", StringComparison.Ordinal).Replace("downsample.1.", "shortcut.normalization.", StringComparison.Ordinal);
    }

    private static string KuangLiu(string name) => Regex.Replace(name, @"^fc\.", "linear.").Replace("downsample", "shortcut", StringComparison.Ordinal);

    private static string Weiaicunzai(string name)
    {
        if (name.StartsWith("fc.", StringComparison.Ordinal))
            return name;
        name = Regex.Replace(Regex.Replace(name, @"^conv1\.", "conv1.0."), @"^bn1\.", "conv1.1.");
        name = Regex.Replace(name, @"^layer(\d)\.(\d+)\.", m => $"conv{m.Groups[1].Value[0] - '0' + 1}_x.{m.Groups[2].Value}.");
        name = Regex.Replace(name, @"\.conv(\d)\.", m => $".residual_function.{3 * (m.Groups[1].Value[0] - '1')}.");
        name = Regex.Replace(name, @"\.bn(\d)\.", m => $".residual_function.{(3 * (m.Groups[1].Value[0] - '1')) + 1}.");
        return name.Replace(".downsample.", ".shortcut.", StringComparison.Ordinal);
    }

    private static string Text((string Name, int[] Shape) tensor) => $"{tensor.Name} {string.Join('x', tensor.Shape)}";

    private static IEnumerable<string> Described(RenamedSource tensors) => tensors.Entries.Select(e => Text((e.Name, e.Shape.ToArray())));

    private static NamedArray Array(string name, int[] shape, Random random) =>
        NamedArray.From(name, shape, [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(_ => random.NextSingle())]);

    private static MemorySource Source(IEnumerable<(string Name, int[] Shape)> tensors) => new([.. tensors.Select(t => new NamedArrayInfo(t.Name, "F32", ArrayType.F32, t.Shape, 4 * t.Shape.Aggregate(1L, (a, b) => a * b)))], []);

    private static MemorySource Source(List<NamedArray> arrays) => new([.. arrays.Select(a => new NamedArrayInfo(a.Name, a.Type.ToString(), a.Type, a.Shape, a.Data.Length))], arrays);

    /// <summary>Arrays in memory, in their order; of those that have only a shape nothing can be read.</summary>
    private sealed class MemorySource(NamedArrayInfo[] entries, List<NamedArray> arrays) : INamedArraySource
    {
        private readonly Dictionary<string, NamedArrayInfo> _byName = entries.ToDictionary(e => e.Name, StringComparer.Ordinal);

        public string Name => "a.pth";

        public IReadOnlyList<NamedArrayInfo> Entries => entries;

        public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

        public NamedArrayInfo? Find(string name) => _byName.GetValueOrDefault(name);

        public NamedArray Read(string name) => arrays.Single(a => a.Name == name);

        public void Dispose()
        {
        }
    }
}
