using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>Names of residual networks; here they are torchvision's, and for the small ones of CIFAR those of pytorch_resnet_cifar10.</summary>
internal static class ResNetNames
{
    private const string HuggingFaceStem = "resnet.embedder.embedder.";
    private const string HuggingFaceStage = "resnet.encoder.stages.";

    // What the libraries of CIFAR networks normalise with, as their training scripts say.
    private static readonly Normalisation Cifar10 = new("cifar10 (pytorch-cifar)", [0.4914f, 0.4822f, 0.4465f], [0.2023f, 0.1994f, 0.2010f]);
    private static readonly Normalisation Cifar100 = new("cifar100 (pytorch-cifar100)", [0.5070751f, 0.4865490f, 0.4409179f], [0.2673342f, 0.2564384f, 0.2761505f]);

    public static IReadOnlyList<NameMap> Maps { get; } =
    [
        new("Hugging Face's ResNet", file => Has(file, HuggingFaceStem + "convolution.weight"), OfHuggingFace, Normalisation.ImageNet)
        {
            Remark = "downsample_in_first_stage and downsample_in_bottleneck of its config.json are not read and must be false.",
        },
        new("pytorch_resnet_cifar10 (an old version)", file => Has(file, "compressible_conv1.weight"), Compressible, Normalisation.ImageNet),
        new("pytorch-cifar", file => Has(file, "linear.weight") && Has(file, "layer4.0.conv1.weight") && Has(file, "conv1.weight"), OfPyTorchCifar, Cifar10),
        new("pytorch-cifar100", file => Has(file, "conv5_x.0.residual_function.0.weight"), OfPyTorchCifar100, Cifar100),
    ];

    private static bool Has(INamedArraySource file, string name) => file.Find(name) is not null;

    private static NameTarget OfHuggingFace(string name)
    {
        if (name.StartsWith(HuggingFaceStem, StringComparison.Ordinal))
            return new NameTarget(Unit(name[HuggingFaceStem.Length..], "conv1.", "bn1.") ?? name);
        if (name.StartsWith("classifier.1.", StringComparison.Ordinal))
            return new NameTarget("fc." + name["classifier.1.".Length..]);
        // resnet.encoder.stages.S.layers.B.layer.K.convolution.weight, and .shortcut. in place of .layer.K.
        if (!name.StartsWith(HuggingFaceStage, StringComparison.Ordinal) || name[HuggingFaceStage.Length..].Split('.') is not [var stage, "layers", var block, var kind, .. var rest]
            || !int.TryParse(stage, NumberStyles.None, CultureInfo.InvariantCulture, out var s))
        {
            return new NameTarget(name);
        }

        var renamed = kind switch
        {
            "layer" when rest is [var unit, ..] && int.TryParse(unit, NumberStyles.None, CultureInfo.InvariantCulture, out var k) =>
                Unit(string.Join('.', rest[1..]), FormattableString.Invariant($"conv{k + 1}."), FormattableString.Invariant($"bn{k + 1}.")),
            "shortcut" => Unit(string.Join('.', rest), "downsample.0.", "downsample.1."),
            _ => null,
        };
        return new NameTarget(renamed is null ? name : FormattableString.Invariant($"layer{s + 1}.{block}.{renamed}"));
    }

    private static string? Unit(string name, string convolution, string normalisation)
    {
        const string conv = "convolution.", norm = "normalization.";
        return name.StartsWith(conv, StringComparison.Ordinal) ? convolution + name[conv.Length..]
            : name.StartsWith(norm, StringComparison.Ordinal) ? normalisation + name[norm.Length..]
            : null;
    }

    private static NameTarget Compressible(string name) => new(name.StartsWith("compressible_", StringComparison.Ordinal) ? name["compressible_".Length..] : name);

    private static NameTarget OfPyTorchCifar(string name) => new(
        name.StartsWith("linear.", StringComparison.Ordinal) ? "fc." + name["linear.".Length..]
        : name.StartsWith("layer", StringComparison.Ordinal) ? name.Replace(".shortcut.", ".downsample.", StringComparison.Ordinal)
        : name);

    private static NameTarget OfPyTorchCifar100(string name)
    {
        if (name.StartsWith("conv1.0.", StringComparison.Ordinal))
            return new NameTarget("conv1." + name["conv1.0.".Length..]);
        if (name.StartsWith("conv1.1.", StringComparison.Ordinal))
            return new NameTarget("bn1." + name["conv1.1.".Length..]);
        // conv2_x to conv5_x are the four stages; of a residual function 0, 3 and 6 are convolutions, 1, 4 and 7 their normalisations.
        if (name.Split('.') is not [{ Length: 7 } stage, var block, var kind, [var digit], .. var rest] || !stage.StartsWith("conv", StringComparison.Ordinal)
            || !stage.EndsWith("_x", StringComparison.Ordinal) || stage[4] is not (>= '2' and <= '5') || digit is not (>= '0' and <= '7'))
        {
            return new NameTarget(name);
        }

        var (at, tail) = (digit - '0', string.Join('.', rest));
        var unit = kind switch
        {
            "shortcut" when at <= 1 => FormattableString.Invariant($"downsample.{at}."),
            "residual_function" when at % 3 == 0 => FormattableString.Invariant($"conv{(at / 3) + 1}."),
            "residual_function" when at % 3 == 1 => FormattableString.Invariant($"bn{(at / 3) + 1}."),
            _ => null,
        };
        return new NameTarget(unit is null ? name : FormattableString.Invariant($"layer{stage[4] - '1'}.{block}.{unit}{tail}"));
    }
}
