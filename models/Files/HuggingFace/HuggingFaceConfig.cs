using System.Globalization;
using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What stands beside a checkpoint of Hugging Face: <c>config.json</c> and <c>preprocessor_config.json</c>. Where they contradict the tensors the model is refused.</summary>
internal sealed class HuggingFaceConfig
{
    /// <summary>The file's name.</summary>
    public const string FileName = "config.json";

    private const string Elsewhere = "if it belongs to another model, keep the weights in a folder of their own";
    private const string Vision = "vit", Residual = "resnet";
    private const int Most = 1 << 20;
    private const int LongestName = 4096;
    private const double Eps = 1e-6;

    // What a damaged file is known by.
    private static readonly string[] Marks = ["\"model_type\"", "\"architectures\"", "\"transformers_version\""];

    private HuggingFaceConfig(ConfigJson? json, HuggingFaceImages? images)
    {
        (Json, Images) = (json, images);
        ClassNames = json is null ? null : Names(json);
        ImageSize = json?.Whole("image_size", 1, ImageLimits.Side);
    }

    /// <summary><c>config.json</c>, or null where there is none.</summary>
    public ConfigJson? Json { get; }

    /// <summary>What the other file says, or null.</summary>
    public HuggingFaceImages? Images { get; }

    /// <summary>The names of the classes in the order of the scores, or null.</summary>
    public string[]? ClassNames { get; }

    /// <summary>Rows and columns of the images, or null.</summary>
    public int? ImageSize { get; }

    /// <summary>Reads what stands beside a file.</summary>
    /// <param name="modelFile">The file of weights.</param>
    /// <param name="say">Gets a remark where a file was not read.</param>
    /// <returns>Null where there is nothing.</returns>
    /// <exception cref="DataFormatException">A file is damaged.</exception>
    public static HuggingFaceConfig? Beside(string modelFile, Action<string> say)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(modelFile))!;
        string own = Path.Combine(folder, FileName), images = Path.Combine(folder, HuggingFaceImages.FileName);
        try
        {
            var json = File.Exists(own) ? Own(own, say) : null;
            var preparation = File.Exists(images) ? HuggingFaceImages.Read(images) : null;
            return json is null && preparation is null ? null : new HuggingFaceConfig(json, preparation);
        }
        catch (DataFormatException bad)
        {
            throw new DataFormatException(bad.File, bad.Offset, $"{bad.Rule}. It stands beside {Path.GetFileName(modelFile)}: {Elsewhere}", bad);
        }
    }

    // timm and others use the name too: such a file decides nothing, whatever is in it.
    private static ConfigJson? Own(string path, Action<string> say)
    {
        ConfigJson json;
        try
        {
            json = ConfigJson.Read(path);
        }
        catch (DataFormatException bad) when (!Array.Exists(Marks, mark => InputFile.ReadAll(path, ConfigJson.MostBytes).AsSpan().IndexOf(Encoding.UTF8.GetBytes(mark)) >= 0))
        {
            say($"{FileName} beside it {bad.Rule}; it has none of the keys of Hugging Face's and was passed over.");
            return null;
        }

        if (json.Has("model_type"))
            return json;
        say($"{FileName} beside it has no model_type, as Hugging Face's have, and was not read.");
        return null;
    }

    /// <summary>Holds what it says against a model's tensors.</summary>
    /// <param name="tensors">The tensors under the names of the architecture.</param>
    /// <param name="description">What they make.</param>
    /// <param name="ownSize">Whether the user says how large images are.</param>
    /// <exception cref="DataFormatException">They contradict each other: it names the key.</exception>
    public void Check(INamedArraySource tensors, ModelDescription description, bool ownSize)
    {
        if (Json is not { } json)
            return;
        if (ClassNames is { } names && names.Length != description.ClassNames.Count)
            throw Contradiction("id2label", names.Length, description.ClassNames.Count, "classes");
        if (!Architectures.IsBuiltIn(description.Architecture))
            return;
        Same("num_channels", description.Channels, "channels");
        var kind = json.Text("model_type");
        if (kind == Vision && tensors.Find("cls_token") is { Shape: [_, _, var width] })
            CheckVision(json, tensors, description, width);
        else if (kind == Residual && tensors.Find("layer1.0.conv1.weight") is not null && tensors.Find("layer4.0.conv1.weight") is not null)
            CheckResidual(json, tensors);
        else
            throw json.Wrong("model_type", $"is '{kind}', and the tensors of {Path.GetFileName(tensors.Name)} are those of {description.Architecture}: {Elsewhere}");
        if (!ownSize && Images?.Size is { } size && ImageSize is { } own && size != own)
            throw Images.Json.Wrong("size", FormattableString.Invariant($"makes images of {size} pixels, and image_size of {FileName} is {own}: say which with --image-size"));
    }

    /// <summary>What of it is to be known, and is no error.</summary>
    public IEnumerable<string> Remarks()
    {
        if (Json?.Number("layer_norm_eps", 0, 1) is { } eps && Math.Abs(eps - Eps) > Eps / 100)
            yield return string.Create(CultureInfo.InvariantCulture, $"{FileName}: layer normalisation adds {eps:R} to the variance there (layer_norm_eps), {Eps:R} is added here: the scores differ in the last digits.");
        if (Images?.Remark is { } remark)
            yield return remark;
    }

    private void CheckVision(ConfigJson json, INamedArraySource tensors, ModelDescription description, int width)
    {
        Same("hidden_size", width, "features");
        if (tensors.Find("patch_embed.proj.weight") is { Shape: [_, _, var patch, _] })
            Same("patch_size", patch, "pixels a patch");
        Same("num_hidden_layers", Count(tensors, i => FormattableString.Invariant($"blocks.{i}.norm1.weight")), "layers");
        if (tensors.Find("blocks.0.mlp.fc1.weight") is { Shape: [var hidden, _] })
            Same("intermediate_size", hidden, "hidden units");
        if (Architectures.Get(description.Architecture) is VisionTransformerFamily family && json.Whole("num_attention_heads", 1, Most) is { } heads && heads != family.Shape.Heads)
            throw json.Wrong("num_attention_heads", FormattableString.Invariant($"is {heads}, {description.Architecture} has {family.Shape.Heads}: with others the same weights compute something else"));
        Same("image_size", description.Input().Height, "pixels a side, as the positions say");
        Exactly(json, "hidden_act", "gelu");
    }

    private void CheckResidual(ConfigJson json, INamedArraySource tensors)
    {
        if (tensors.Find("conv1.weight") is { Shape: [var filters, ..] })
            Same("embedding_size", filters, "filters in the first layer");
        var bottleneck = tensors.Find("layer1.0.conv3.weight") is not null;
        Exactly(json, "layer_type", bottleneck ? "bottleneck" : "basic");
        Exactly(json, "hidden_act", "relu");
        foreach (var key in (string[])["downsample_in_first_stage", "downsample_in_bottleneck"])
        {
            if (json.Flag(key) == true)
                throw json.Wrong(key, "is true: such a network has its strides elsewhere and computes something else");
        }

        var last = bottleneck ? "conv3" : "conv2";
        Each("hidden_sizes", stage => tensors.Find($"layer{stage}.0.{last}.weight") is { Shape: [var outputs, ..] } ? outputs : 0, "filters");
        Each("depths", stage => Count(tensors, i => FormattableString.Invariant($"layer{stage}.{i}.conv1.weight")), "blocks");

        void Each(string key, Func<int, int> found, string what)
        {
            if (json.Wholes(key, 1, Most) is not { } said)
                return;
            int[] have = [found(1), found(2), found(3), found(4)];
            if (!said.AsSpan().SequenceEqual(have))
                throw json.Wrong(key, $"is [{string.Join(", ", said)}], the tensors have [{string.Join(", ", have)}] {what}: {Elsewhere}");
        }
    }

    private static void Exactly(ConfigJson json, string key, string wanted)
    {
        if (json.Text(key) is { } said && said != wanted)
            throw json.Wrong(key, $"is '{said}', the network here has '{wanted}': it would compute something else");
    }

    private void Same(string key, int found, string what)
    {
        if (Json!.Whole(key, 1, Most) is { } said && said != found)
            throw Contradiction(key, said, found, what);
    }

    private DataFormatException Contradiction(string key, int said, int found, string what) =>
        Json!.Wrong(key, FormattableString.Invariant($"{(key == "id2label" ? "names" : "is")} {said}, the tensors have {found} {what}: {Elsewhere}"));

    private static int Count(INamedArraySource tensors, Func<int, string> name)
    {
        var count = 0;
        while (tensors.Find(name(count)) is not null)
            count++;
        return count;
    }

    // {"0": "tench", "1": ..}: every number once.
    private static string[]? Names(ConfigJson json)
    {
        if (!json.Has("id2label"))
            return null;
        var labels = json.Inside("id2label");
        var names = new SortedDictionary<int, string>();
        foreach (var (key, text) in labels.Texts())
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number >= ModelDescription.MostClasses)
                throw labels.Wrong(key, "is no number of a class; wants \"0\", \"1\" and so on");
            if (string.IsNullOrWhiteSpace(text) || text.Length > LongestName || text.Any(char.IsControl))
                throw labels.Bad(key, "a name in one line, without control characters");
            if (!names.TryAdd(number, text))
                throw labels.Wrong(key, "is there twice");
        }

        if (names.Count == 0)
            return null;
        // What its library writes where nobody named them.
        if (names.All(n => n.Value == FormattableString.Invariant($"LABEL_{n.Key}")))
            return null;
        return names.Keys.Last() == names.Count - 1
            ? [.. names.Values]
            : throw json.Wrong("id2label", FormattableString.Invariant($"has {names.Count} names and one for class {names.Keys.Last()}; wants one for every class from 0 on"));
    }
}
