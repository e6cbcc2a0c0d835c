using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>Networks that look like those that are known here and compute something else: what they are, by the tensors that only they have.</summary>
internal static class Variants
{
    private const string Transformer = "blocks.0.attn.qkv.weight";

    // A part of a name, and what it means.
    private static readonly (string Part, string Reason)[] OfTransformers =
    [
        ("dist_token", "a DeiT with a distillation token: it has two features and two heads, and an erasure wants one; take the DeiT without distillation"),
        ("head_dist.", "a DeiT with a distillation head: it has two features and two heads, and an erasure wants one; take the DeiT without distillation"),
        ("fc_norm.", "a ViT that averages the patches (fc_norm); the ViTs here classify by the class token"),
        ("pre_logits.", "a ViT with a layer before its head (pre_logits), as files of ImageNet-21k before timm 0.6 have; take a newer file"),
        (".ls1.", "a ViT with layer scales (ls1), such as DINOv2's; they are not read"),
        (".gamma_1", "a DeiT-III with layer scales (gamma_1); they are not read"),
        ("reg_token", "a ViT with register tokens (reg_token); they are not read"),
        ("norm_pre.", "a ViT with a normalisation before its blocks (norm_pre), such as CLIP's; it is not read"),
        (".q_norm.", "a ViT that normalises its queries (q_norm); it is not read"),
        ("relative_position_bias_table", "a transformer with relative positions, such as Swin or BEiT; only learned positions are read"),
        ("rel_pos_bias", "a transformer with relative positions, such as BEiT; only learned positions are read"),
    ];

    /// <summary>What the tensors are in words, or null where nothing stands out.</summary>
    /// <param name="tensors">Under names that are known here, as far as they are.</param>
    public static string? Of(INamedArraySource tensors)
    {
        // A buffer beside the network's own, d x (d - k), which the features are multiplied with and then with its transpose.
        if (tensors.Find("esc") is { Shape: [var width, var kept] } && kept <= width && (tensors.Find("head.weight") ?? tensors.Find("head.0.weight")) is { Shape: [_, var features] } && features == width)
            return $"tensor 'esc' [{width}, {kept}]: a model that the released ESC code has already unlearned; give the model before it, and erase here";
        if (Any(tensors, "deit.embeddings.distillation_token"))
            return $"tensor 'deit.embeddings.distillation_token': {OfTransformers[0].Reason}";
        if (tensors.Find(Transformer) is not null)
            return OfTransformer(tensors);
        if (Any(tensors, "vit.embeddings.cls_token") && !Any(tensors, "classifier.weight"))
            return "a ViT of Hugging Face without a classifier ('classifier.weight'), such as a ViTModel; a ViTForImageClassification is wanted";
        if (tensors.Find("conv1.weight") is not null || tensors.Find("conv1.0.weight") is not null)
            return OfResNet(tensors);
        return tensors.Entries.Select(e => e.Name).FirstOrDefault(n => n.Contains("relative_position_bias_table", StringComparison.Ordinal)) is { } swin
            ? $"tensor '{swin}': {OfTransformers[^2].Reason}"
            : null;
    }

    private static string? OfTransformer(INamedArraySource tensors)
    {
        foreach (var (part, reason) in OfTransformers)
        {
            if (tensors.Entries.FirstOrDefault(e => e.Name.Contains(part, StringComparison.Ordinal)) is { } found)
                return $"tensor '{found.Name}': {reason}";
        }

        // With a class token there is one position more than patches, which make a square.
        if (tensors.Find("pos_embed") is { Shape: [1, var rows and > 1, _] } && IsSquare(rows) && !IsSquare(rows - 1))
            return $"tensor 'pos_embed' has {rows} positions, one for each patch and none for the class token (no_embed_class); {rows + 1} are wanted";
        return tensors.Find("cls_token") is null ? "a ViT without a class token ('cls_token'); the ViTs here classify by it" : null;
    }

    private static string? OfResNet(INamedArraySource tensors)
    {
        if (Any(tensors, "conv1.0.weight"))
            return "tensor 'conv1.0.weight': a ResNet whose stem has several convolutions (ResNet-C or -D); one of 7x7 or 3x3 is read";
        if (tensors.Entries.FirstOrDefault(e => e.Name.EndsWith(".downsample.1.weight", StringComparison.Ordinal) && e.Shape.Length == 4) is { } averaged)
            return $"tensor '{averaged.Name}' is a convolution: a ResNet that averages before its shortcuts (ResNet-D); it is not read";
        if (tensors.Entries.FirstOrDefault(e => e.Name.Contains(".se.", StringComparison.Ordinal)) is { } squeeze)
            return $"tensor '{squeeze.Name}': a ResNet with squeeze and excitation (SE-ResNet); it is not read";
        if (tensors.Find("layer1.0.conv1.weight") is { Shape: [var outer, _, 1, 1] } && tensors.Find("layer1.0.conv2.weight") is { Shape: [var filters, var inputs, 3, 3] })
        {
            if (inputs < filters)
                return $"tensor 'layer1.0.conv2.weight' [{filters}, {inputs}, 3, 3]: convolutions in groups (ResNeXt); they are not read";
            if (tensors.Find("conv1.weight") is { Shape: [var stem, ..] } && outer > stem)
                return $"tensor 'layer1.0.conv1.weight' has {outer} filters, wants the stem's {stem}: a wide ResNet; it is not read";
        }

        if (tensors.Find("layer3.0.conv1.weight") is { Shape: [64, ..] } && !Any(tensors, "layer4.0.conv1.weight")
            && tensors.Entries.FirstOrDefault(e => e.Name is "layer2.0.shortcut.0.weight" or "layer2.0.downsample.0.weight") is { } option)
        {
            return $"tensor '{option.Name}': a ResNet of CIFAR whose shortcuts have weights (option B); those without (option A, as pytorch_resnet_cifar10 trains them) are read";
        }

        return null;
    }

    private static bool Any(INamedArraySource tensors, string name) => tensors.Find(name) is not null;

    private static bool IsSquare(int n) => n > 0 && (int)Math.Round(Math.Sqrt(n)) is var root && root * root == n;
}
