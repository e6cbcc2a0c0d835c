using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Models;

/// <summary>Models as Hugging Face keeps them: weights with config.json and preprocessor_config.json beside them.</summary>
public sealed class HuggingFaceFolderTests : IDisposable
{
    private const string Vision = """
        {"architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 192, "num_hidden_layers": 12, "num_attention_heads": 3, "intermediate_size": 768,
         "hidden_act": "gelu", "layer_norm_eps": 1e-12, "image_size": 32, "patch_size": 16, "num_channels": 3, "qkv_bias": true, "id2label": {"1": "dog, puppy", "0": "cat", "2": "épée"}}
        """;

    private const string Prepared = """
        {"do_normalize": true, "do_resize": true, "feature_extractor_type": "ViTFeatureExtractor", "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], "resample": 3,
         "size": {"height": 32, "width": 32}, "do_rescale": true, "rescale_factor": 0.00392156862745098}
        """;

    private static readonly Lazy<byte[]> Weights = new(() => Saved(new VisionTransformerHyperparameters("vit-ti16", 32), 3));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_is_read_with_what_its_files_say()
    {
        Write(Vision, Prepared);
        var remarks = new List<string>();
        using var model = ModelFile.Load(_folder["m"], options: new ModelLoadOptions { Remarks = remarks });
        var d = model.Description;
        Assert.Equal(["cat", "dog, puppy", "épée"], d.ClassNames);
        Assert.Equal((0.5f, 0.4f, 0.3f, 0.2f, 0.4f), (d.Normalisation.Mean(0), d.Normalisation.Mean(1), d.Normalisation.Mean(2), d.Normalisation.Std(0), d.Normalisation.Std(2)));
        Assert.Equal(("vit-ti16", 32, "stretch-bicubic"), (d.Architecture, d.Input().Height, d.Transform!.Name));
        foreach (var words in (string[])
            [
                "Classes: the 3 names (cat, dog, puppy, épée) are those of id2label in config.json", "Normalisation: mean 0.5,0.4,0.3, std 0.2,0.3,0.4, as preprocessor_config.json beside it says.",
                "images of 32 x 32, as config.json beside it says", "Photos: Resize((32, 32)) bicubic, says preprocessor_config.json", "1E-12",
            ])
            Assert.Contains(remarks, remark => remark.Contains(words, StringComparison.Ordinal));
        Assert.DoesNotContain(remarks, remark => remark.Contains("was assumed", StringComparison.Ordinal) || remark.Contains("they have numbers", StringComparison.Ordinal));

        // What is saved says it itself, and needs no file beside it.
        ModelFile.Save(model, _folder["own.safetensors"]);
        using var again = ModelFile.Load(_folder["own.safetensors"]);
        Assert.Equal(("stretch-bicubic", 0.4f), (again.Description.Transform!.Name, again.Description.Normalisation.Mean(1)));
        Assert.Equal(d.ClassNames, again.Description.ClassNames);
    }

    [Fact]
    public void What_the_user_says_goes_before_it()
    {
        Write(Vision, Prepared);
        var remarks = new List<string>();
        using var model = ModelFile.Load(_folder["m/model.safetensors"], options: new ModelLoadOptions
        {
            ClassNames = ["a", "b", "c"],
            Normalisation = new Normalisation("mine", [0.1f], [0.9f]),
            ImageSize = 48,
            Remarks = remarks,
        });
        var d = model.Description;
        Assert.Equal((0.1f, 48), (d.Normalisation.Mean(2), d.Input().Height));
        Assert.Equal(["a", "b", "c"], d.ClassNames);
        Assert.DoesNotContain(remarks, remark => remark.Contains("id2label", StringComparison.Ordinal) || remark.Contains("as config.json", StringComparison.Ordinal));
    }

    [Fact]
    public void A_ResNet_takes_its_size_and_crop_from_the_preparation()
    {
        const string Config = """
            {"model_type": "resnet", "embedding_size": 16, "hidden_sizes": [16, 32, 64, 128], "depths": [2, 2, 2, 2], "layer_type": "basic", "hidden_act": "relu", "downsample_in_first_stage": false, "num_channels": 3}
            """;
        var weights = Saved(new ResNetHyperparameters(18, width: 0.25), 5);
        Write(Config, """{"crop_pct": 0.875, "feature_extractor_type": "ConvNextFeatureExtractor", "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 96}""", weights);
        using (var model = ModelFile.Load(_folder["m"]))
        {
            Assert.Equal((96, "Resize(109) bicubic, CenterCrop((96, 96))"), (model.Description.Input().Height, model.Description.Transform!.Describe(96, 96)));
            Assert.Equal(5, model.Description.ClassNames.Count);
        }

        foreach (var (from, to, words) in (IEnumerable<(string, string, string)>)
            [
                ("[2, 2, 2, 2]", "[3, 4, 6, 3]", "key 'depths' is [3, 4, 6, 3], the tensors have [2, 2, 2, 2] blocks"), ("128]", "256]", "key 'hidden_sizes'"), ("basic", "bottleneck", "key 'layer_type'"),
                ("\"downsample_in_first_stage\": false", "\"downsample_in_first_stage\": true", "key 'downsample_in_first_stage' is true"), ("_size\": 16", "_size\": 64", "key 'embedding_size' is 64"), ("relu", "silu", "key 'hidden_act'"),
            ])
        {
            Write(Config.Replace(from, to, StringComparison.Ordinal), null, weights);
            Refused("config.json", words);
        }
    }

    [Theory]
    [InlineData("\"hidden_size\": 192", "\"hidden_size\": 384", "'hidden_size' is 384, the tensors have 192 features")]
    [InlineData("\"num_hidden_layers\": 12", "\"num_hidden_layers\": 6", "'num_hidden_layers' is 6, the tensors have 12 layers")]
    [InlineData("\"num_attention_heads\": 3", "\"num_attention_heads\": 6", "'num_attention_heads' is 6, vit-ti16 has 3")]
    [InlineData("\"intermediate_size\": 768", "\"intermediate_size\": 3072", "'intermediate_size'")]
    [InlineData("\"image_size\": 32", "\"image_size\": 224", "'image_size' is 224, the tensors have 32 pixels")]
    [InlineData("\"patch_size\": 16", "\"patch_size\": 32", "'patch_size' is 32")]
    [InlineData("\"num_channels\": 3", "\"num_channels\": 1", "'num_channels'")]
    [InlineData("\"gelu\"", "\"gelu_new\"", "'hidden_act' is 'gelu_new'")]
    [InlineData("\"vit\"", "\"bert\"", "'model_type' is 'bert'")]
    [InlineData(", \"2\": \"épée\"", "", "'id2label' names 2, the tensors have 3 classes")]
    [InlineData("\"2\": ", "\"7\": ", "'id2label' has 3 names and one for class 7")]
    [InlineData("\"2\": ", "\"two\": ", "'id2label.two' is no number")]
    [InlineData("\"épée\"", "4", "'id2label.2' is 4, wants a text")]
    [InlineData("\"épée\"", "\"a\\nb\"", "'id2label.2'")]
    [InlineData("\"épée\"", "\"\\ud800\"", "half of a character in 'id2label'")]
    [InlineData("\"2\": ", "\"\\ud800\": ", "half of a character")]
    [InlineData("{\"1\": \"dog, puppy\", \"0\": \"cat\", \"2\": \"épée\"}", "[]", "'id2label' is [], wants an object")]
    [InlineData("\"image_size\": 32", "\"image_size\": -3", "'image_size' is -3, wants a whole number")]
    [InlineData("\"image_size\": 32", "\"image_size\": 1e300", "'image_size' is 1e300")]
    [InlineData("\"image_size\": 32", "\"image_size\": \"32\"", "'image_size' is \"32\"")]
    [InlineData("\"hidden_size\"", "\"hidden_size\", ", "is no JSON from line 1")]
    public void A_configuration_that_is_wrong_or_of_another_model_is_refused_by_its_key(string from, string to, string words)
    {
        Assert.Contains(from, Vision, StringComparison.Ordinal);
        Write(Vision.Replace(from, to, StringComparison.Ordinal), null);
        Refused("config.json", words);
    }

    [Theory]
    [InlineData("\"image_std\": [0.2, 0.3, 0.4]", "\"image_std\": [0.2, 0, 0.4]", "'image_std'")]
    [InlineData("\"image_std\": [0.2, 0.3, 0.4]", "\"image_std\": [0.2]", "'image_std' is [0.2], wants as many numbers")]
    [InlineData("\"image_mean\": [0.5, 0.4, 0.3]", "\"image_mean\": \"x\"", "'image_mean' is \"x\", wants 1 to 16")]
    [InlineData("\"resample\": 3", "\"resample\": 0", "'resample' is 0")]
    [InlineData("\"resample\": 3", "\"resample\": 9", "'resample' is 9")]
    [InlineData("{\"height\": 32, \"width\": 32}", "224", "'size' makes images of 224 pixels, and image_size of config.json is 32")]
    [InlineData("{\"height\": 32, \"width\": 32}", "{\"height\": 32}", "'size' is {\"height\": 32}, wants")]
    [InlineData("{\"height\": 32, \"width\": 32}", "{\"height\": 0, \"width\": 32}", "'size.height' is 0")]
    [InlineData("0.00392156862745098", "0.5", "'rescale_factor' is 0.5")]
    [InlineData("\"do_rescale\": true", "\"do_rescale\": false", "'do_rescale' is false")]
    [InlineData("\"do_resize\": true", "\"do_resize\": 1", "'do_resize' is 1, wants true or false")]
    public void A_preparation_that_is_wrong_is_refused_by_its_key(string from, string to, string words)
    {
        Assert.Contains(from, Prepared, StringComparison.Ordinal);
        Write(Vision, Prepared.Replace(from, to, StringComparison.Ordinal));
        Refused("preprocessor_config.json", words);
    }

    [Fact]
    public void Other_preparations_are_understood_or_said_to_be_not()
    {
        foreach (var (text, size, transform, remark) in (IEnumerable<(string, int?, string?, string?)>)
            [
                ("""{"size": {"shortest_edge": 256}, "do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "resample": 2}""", 224, "crop", null),
                ("""{"size": 248, "do_center_crop": true, "crop_size": 224, "resample": 3}""", 224, null, "stretched to 248 pixels there and cut to 224"),
                ("""{"size": {"shortest_edge": 248}, "do_center_crop": true, "crop_size": 224, "resample": 3}""", 224, "crop-bicubic", null),
                ("""{"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}, "resample": 3}""", 384, "stretch-bicubic", null),
                ("""{"size": 224}""", 224, "stretch", null), ("""{"do_resize": false, "size": 224}""", null, null, null), ("{}", null, null, null),
                ("""{"size": {"shortest_edge": 224}}""", null, null, "keep their proportions"), ("""{"size": {"height": 10, "width": 20}}""", null, null, "not square"),
            ])
        {
            _folder.Write("p/preprocessor_config.json", Encoding.UTF8.GetBytes(text));
            var images = HuggingFaceImages.Read(_folder["p/preprocessor_config.json"]);
            Assert.True((size, transform) == (images.Size, images.Transform?.Name), $"{text}: {images.Size}, {images.Transform?.Name}");
            Assert.True(remark is null ? images.Remark is null : images.Remark!.Contains(remark, StringComparison.Ordinal), $"{text}: {images.Remark}");
        }

        foreach (var name in (string[])["stretch", "crop", "crop-bicubic", "stretch-lanczos", "crop-109/96-bicubic"])
            Assert.Equal(name, ImageTransform.Find(name)!.Name);
        foreach (var name in (string[])["", "crop-", "crop-1/2-bicubic", "crop-9/0-box", "stretch-linear", "crop-99999999/1-box", "crop-5/4", "stretch-bicubic-2", "crop-box"])
            Assert.Null(ImageTransform.Find(name));
    }

    [Fact]
    public void Folders_without_weights_and_weights_in_parts_are_told()
    {
        _folder.Write("empty/config.json", "{}"u8.ToArray());
        Assert.Contains("is a folder without model.safetensors and pytorch_model.bin", Assert.Throws<DataFormatException>(() => ModelFile.Load(_folder["empty"])).Message, StringComparison.Ordinal);
        _folder.Write("parts/model.safetensors.index.json", "{}"u8.ToArray());
        var parts = Assert.Throws<DataFormatException>(() => ModelFile.Load(_folder["parts"]));
        Assert.Contains("wants an object 'weight_map'", parts.Message, StringComparison.Ordinal);

        // timm's config.json is another one, and no file of ours needs any.
        Write("""{"architecture": "vit_tiny_patch16_224"}""", null);
        var remarks = new List<string>();
        using (var model = ModelFile.Load(_folder["m"], options: new ModelLoadOptions { Remarks = remarks }))
            Assert.Null(model.Description.Transform);
        Assert.Contains(remarks, remark => remark.Contains("has no model_type", StringComparison.Ordinal));
    }

    [Fact]
    public void A_damaged_config_of_theirs_is_refused_with_the_way_out_and_another_is_passed_over()
    {
        foreach (var text in (string[])["{\"model_type\": \"vit\"", "{\"architectures\": [\"ViT\"], ", "[{\"transformers_version\": 1}]"])
        {
            Write(text, null);
            Refused("config.json", "JSON");
            Refused("config.json", "keep the weights in a folder of their own");
        }

        Write("{}", "{\"size\": ");
        Refused("preprocessor_config.json", "keep the weights in a folder of their own");
        foreach (var text in (string[])["", "[1]", "# epochs: 3", "\u0001", new string('[', 100)])
        {
            Write(text, null);
            var remarks = new List<string>();
            using var model = ModelFile.Load(_folder["m"], options: new ModelLoadOptions { Remarks = remarks });
            Assert.Contains(remarks, remark => remark.StartsWith("config.json beside it is ", StringComparison.Ordinal) && remark.EndsWith("and was passed over.", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Inspect_maps_tensors_as_they_are_loaded_with_what_stands_beside_the_file()
    {
        // Positions of a grid of 2 x 2 become those of 3 x 3 where the images shall have 48 pixels.
        Write("{}", """{"size": 48}""");
        using var file = ArrayFile.Open(_folder["m/model.safetensors"]);
        var place = ModelMapping.Of(file, _folder["m/model.safetensors"], null).Places.Single(p => p.Name == "pos_embed");
        using var model = ModelFile.Load(_folder["m"]);
        Assert.Equal(48, model.Description.Input().Height);
        Assert.Equal(("becomes [1, 10, 192]", null), (place.Fitted, place.Problem));
        Assert.Null(ModelMapping.Of(file).Places.Single(p => p.Name == "pos_embed").Fitted);
        // What contradicts the tensors is said where the file is loaded.
        Write("""{"model_type": "vit", "hidden_size": 7}""", null);
        using var other = ArrayFile.Open(_folder["m/model.safetensors"]);
        Assert.All(ModelMapping.Of(other, _folder["m/model.safetensors"], null).Places, p => Assert.Null(p.Problem));
    }

    [Fact]
    public void Any_bytes_give_a_model_or_an_error_of_the_file()
    {
        var random = new Random(5);
        byte[] whole = Encoding.UTF8.GetBytes(Vision), prepared = Encoding.UTF8.GetBytes(Prepared);
        for (var i = 0; i < 400; i++)
        {
            foreach (var (text, name) in (IEnumerable<(byte[], string)>)[(whole, "config.json"), (prepared, "preprocessor_config.json")])
            {
                byte[] damaged = random.Next(3) == 0 ? text[..random.Next(text.Length)] : [.. text];
                for (var k = random.Next(4); k > 0 && damaged.Length > 0; k--)
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                _folder.Write($"f/{name}", damaged);
            }

            try
            {
                _ = HuggingFaceConfig.Beside(_folder["f/model.safetensors"], _ => { });
            }
            catch (DataFormatException refused)
            {
                Assert.EndsWith("config.json", refused.File, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_verb_takes_the_folder_and_names_the_sources()
    {
        Write(Vision, Prepared);
        var json = _folder["result.json"];
        var outcome = Bench.CommandLine.Run("inspect", _folder["m"], "--json", json);
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Contains("id2label in config.json", File.ReadAllText(json), StringComparison.Ordinal);
        outcome = Bench.CommandLine.Run("evaluate", "--model-file", _folder["nothing"], "--forget-class", "1");
        Assert.True(outcome.Code == 3, outcome.ToString());
        Directory.CreateDirectory(_folder["nothing"]);
        outcome = Bench.CommandLine.Run("evaluate", "--model-file", _folder["nothing"], "--forget-class", "1");
        Assert.True(outcome.Code == 3, outcome.ToString());
        Assert.Contains("is a folder without model.safetensors", outcome.Error, StringComparison.Ordinal);
    }

    private void Refused(string file, string words)
    {
        var refused = Assert.Throws<DataFormatException>(() => ModelFile.Load(_folder["m"]));
        Assert.Equal(file, Path.GetFileName(refused.File));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
    }

    private void Write(string config, string? prepared, byte[]? weights = null)
    {
        _folder.Write("m/config.json", Encoding.UTF8.GetBytes(config));
        _folder.Write("m/model.safetensors", weights ?? Weights.Value);
        File.Delete(_folder["m/preprocessor_config.json"]);
        if (prepared is not null)
            _folder.Write("m/preprocessor_config.json", Encoding.UTF8.GetBytes(prepared));
    }

    // Without our metadata.
    private static byte[] Saved(Hyperparameters network, int classes)
    {
        using var model = Architectures.Create(new ModelDescription
        {
            Hyperparameters = network,
            Channels = 3,
            ClassNames = [.. Enumerable.Range(0, classes).Select(i => $"{i}")],
            Normalisation = Normalisation.Half,
        });
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, ModelFile.ToArrays(model), new Dictionary<string, string>());
        return stream.ToArray();
    }
}
