using System.Globalization;

namespace EscNative.Models;

/// <summary>How a ResNet begins.</summary>
public enum ResNetStem
{
    /// <summary>A 7x7 convolution of stride 2 and a 3x3 max pooling of stride 2: for images of 224 pixels.</summary>
    ImageNet,

    /// <summary>A 3x3 convolution, no pooling: for images of 32 pixels.</summary>
    Cifar,
}

/// <summary>What a ResNet can be told.</summary>
public sealed record ResNetHyperparameters : Hyperparameters
{
    /// <summary>Those of a network.</summary>
    /// <param name="depth">18, 34 or 50.</param>
    /// <param name="stem">How it begins.</param>
    /// <param name="size">Rows and columns of its images; 0 for 224 with ImageNet's stem, 32 with CIFAR's.</param>
    /// <param name="width">The share of the published number of filters.</param>
    public ResNetHyperparameters(int depth, ResNetStem stem = ResNetStem.ImageNet, int size = 0, double width = 1) =>
        (Depth, Stem, Size, Width) = (depth, stem, size == 0 ? SizeOf(stem) : size, width);

    /// <summary>18, 34 or 50.</summary>
    public int Depth { get; init; }

    /// <summary>How it begins.</summary>
    public ResNetStem Stem { get; init; }

    /// <summary>Rows and columns of its images; the network takes any.</summary>
    public int Size { get; init; }

    /// <summary>The share of the published number of filters: 1 has 64 in the first stage.</summary>
    public double Width { get; init; }

    /// <inheritdoc/>
    public override string Architecture => FormattableString.Invariant($"resnet{Depth}");

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Value)> Values =>
        [("stem", Text(Stem)), ("size", Size.ToString(CultureInfo.InvariantCulture)), ("width", Text(Width))];

    internal static string Text(ResNetStem stem) => stem == ResNetStem.Cifar ? "cifar" : "imagenet";

    internal static int SizeOf(ResNetStem stem) => stem == ResNetStem.Cifar ? 32 : 224;
}

/// <summary>ResNet-18, -34 and -50 (He et al., CVPR 2016) as torchvision has them: its names, its starting values, the stride of a bottleneck in its 3x3 convolution.</summary>
/// <remarks>d = 512, with bottlenecks 2048. Shortcuts between shapes are 1x1 convolutions with batch normalisation.</remarks>
public static class ResNet
{
    private const int Filters = 64;

    /// <summary>The architectures: resnet18, resnet34, resnet50.</summary>
    public static IReadOnlyList<IArchitecture> All { get; } =
        [new Family(18, [2, 2, 2, 2]), new Family(34, [3, 4, 6, 3]), new Family(50, [3, 4, 6, 3], bottleneck: true)];

    private sealed class Family(int depth, int[] blocks, bool bottleneck = false) : ResidualFamily(new ResNetHyperparameters(depth), "fc", fanOut: true)
    {
        public override Hyperparameters DefaultsFor(IReadOnlyDictionary<string, string> values) =>
            values.TryGetValue("stem", out var stem) ? new ResNetHyperparameters(depth, StemOf(stem)) : Defaults;

        public override Hyperparameters Parse(IReadOnlyDictionary<string, string> values)
        {
            var width = Hyperparameters.Number(values, "width");
            _ = Filters(width, ResNet.Filters);
            return new ResNetHyperparameters(depth, StemOf(values["stem"]), Size(values), width);
        }

        protected override int SizeOf(Hyperparameters hyperparameters) => ModelDescription.Of<ResNetHyperparameters>(hyperparameters).Size;

        protected override ResidualLayout LayoutOf(Hyperparameters hyperparameters, int channels)
        {
            var own = ModelDescription.Of<ResNetHyperparameters>(hyperparameters);
            return new ResidualLayout(channels, Filters(own.Width, ResNet.Filters), blocks, bottleneck, own.Stem == ResNetStem.ImageNet, Projects: true);
        }

        protected override Hyperparameters? Recognise(int kernel, int filters) => kernel switch
        {
            _ when filters > MostWidth * ResNet.Filters => null,
            7 => new ResNetHyperparameters(depth, width: filters / (double)ResNet.Filters),
            3 => new ResNetHyperparameters(depth, ResNetStem.Cifar, width: filters / (double)ResNet.Filters),
            _ => null,
        };

        private ResNetStem StemOf(string text) => text switch
        {
            "imagenet" => ResNetStem.ImageNet,
            "cifar" => ResNetStem.Cifar,
            _ => throw new UsageException($"{Name}: got stem '{text}', wants imagenet or cifar"),
        };
    }
}
