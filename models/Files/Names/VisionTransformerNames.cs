using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>Names of vision transformers; here they are those of timm and of the paper's released checkpoints.</summary>
/// <remarks>Nothing is transposed anywhere: the libraries differ in names, and in whether query, key and value are one tensor.</remarks>
internal static class VisionTransformerNames
{
    private const string TorchVisionLayer = "encoder.layers.encoder_layer_";
    private const string HuggingFace = "vit.";
    private const string HuggingFaceLayer = "vit.encoder.layer.";
    private const string HuggingFaceAttention = "attention.attention.";

    private static readonly (string From, string To)[] TorchVisionNames =
    [
        ("class_token", "cls_token"), ("encoder.pos_embedding", "pos_embed"), ("conv_proj.", "patch_embed.proj."), ("encoder.ln.", "norm."), ("heads.head.", "head."),
    ];

    private static readonly (string From, string To)[] TorchVisionLayerNames =
    [
        ("ln_1.", "norm1."), ("ln_2.", "norm2."), ("self_attention.in_proj_", "attn.qkv."), ("self_attention.out_proj.", "attn.proj."),
        ("mlp.0.", "mlp.fc1."), ("mlp.3.", "mlp.fc2."), ("mlp.linear_1.", "mlp.fc1."), ("mlp.linear_2.", "mlp.fc2."),
    ];

    private static readonly (string From, string To)[] HuggingFaceNames =
    [
        ("vit.embeddings.cls_token", "cls_token"), ("vit.embeddings.position_embeddings", "pos_embed"),
        ("vit.embeddings.patch_embeddings.projection.", "patch_embed.proj."), ("vit.layernorm.", "norm."), ("classifier.", "head."),
    ];

    private static readonly (string From, string To)[] HuggingFaceLayerNames =
    [
        ("layernorm_before.", "norm1."), ("layernorm_after.", "norm2."), ("attention.output.dense.", "attn.proj."), ("intermediate.dense.", "mlp.fc1."), ("output.dense.", "mlp.fc2."),
    ];

    private static readonly string[] QueryKeyValue = ["query.", "key.", "value."];

    public static IReadOnlyList<NameMap> Maps { get; } =
    [
        new("torchvision's ViT", file => file.Find("class_token") is not null && file.Find("encoder.pos_embedding") is not null, TorchVision, Normalisation.ImageNet),
        new("Hugging Face's ViT", file => file.Find("vit.embeddings.cls_token") is not null, OfHuggingFace, Normalisation.Half)
        {
            Remark = "Their layer normalisation adds 1e-12 to the variance unless their configuration says otherwise, 1e-6 is added here: the scores differ in the last digits.",
        },
    ];

    private static NameTarget TorchVision(string name) => new(InLayer(name, TorchVisionLayer, TorchVisionLayerNames) ?? Replaced(name, TorchVisionNames) ?? name);

    private static NameTarget OfHuggingFace(string name)
    {
        // A pooler stands in files of ViTModel; a classifier does not use it.
        if (name.StartsWith(HuggingFace + "pooler.", StringComparison.Ordinal))
            return new NameTarget(null);
        if (Layer(name, HuggingFaceLayer) is var (index, rest) && rest.StartsWith(HuggingFaceAttention, StringComparison.Ordinal))
        {
            var tail = rest[HuggingFaceAttention.Length..];
            for (var part = 0; part < QueryKeyValue.Length; part++)
            {
                if (tail.StartsWith(QueryKeyValue[part], StringComparison.Ordinal))
                    return new NameTarget($"blocks.{index}.attn.qkv.{tail[QueryKeyValue[part].Length..]}", part, QueryKeyValue.Length);
            }
        }

        return new NameTarget(InLayer(name, HuggingFaceLayer, HuggingFaceLayerNames) ?? Replaced(name, HuggingFaceNames) ?? name);
    }

    private static string? InLayer(string name, string prefix, (string From, string To)[] names) =>
        Layer(name, prefix) is var (index, rest) && Replaced(rest, names) is { } replaced ? $"blocks.{index}.{replaced}" : null;

    private static (string Index, string Tail)? Layer(string name, string prefix)
    {
        if (!name.StartsWith(prefix, StringComparison.Ordinal) || name.IndexOf('.', prefix.Length) is not (> 0 and var dot))
            return null;
        return (name[prefix.Length..dot], name[(dot + 1)..]);
    }

    private static string? Replaced(string name, (string From, string To)[] names)
    {
        foreach (var (from, to) in names)
        {
            if (name.StartsWith(from, StringComparison.Ordinal))
                return to + name[from.Length..];
        }

        return null;
    }
}
