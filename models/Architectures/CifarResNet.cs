using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>What a ResNet for CIFAR can be told.</summary>
/// <param name="Depth">20, 32, 44 or 56.</param>
/// <param name="Size">Rows and columns of its images; the network takes any.</param>
/// <param name="Width">The share of the published number of filters: 1 has 16 in the first stage.</param>
public sealed record CifarResNetHyperparameters(int Depth, int Size = 32, double Width = 1) : Hyperparameters
{
    /// <inheritdoc/>
    public override string Architecture => FormattableString.Invariant($"resnet{Depth}");

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Value)> Values => [("size", Size.ToString(CultureInfo.InvariantCulture)), ("width", Text(Width))];
}

/// <summary>ResNet-20, -32, -44 and -56, the networks of He et al. for CIFAR, with the names and starting values of the public implementation of Y. Idelbayev.</summary>
/// <remarks>d = 64. Shortcuts between shapes have no weights: every second pixel, with as many channels of zeros before as after (option A). Public weights
/// were trained with ImageNet's mean and standard deviation.</remarks>
public static class CifarResNet
{
    private const int Filters = 16;

    /// <summary>The architectures: resnet20, resnet32, resnet44, resnet56.</summary>
    public static IReadOnlyList<IArchitecture> All { get; } = [new Family(20), new Family(32), new Family(44), new Family(56)];

    private sealed class Family(int depth) : ResidualFamily(new CifarResNetHyperparameters(depth), "linear", fanOut: false)
    {
        // The first convolution, the last layer, and three stages of blocks of two.
        private readonly int _blocks = (depth - 2) / 6;

        public override Hyperparameters Parse(IReadOnlyDictionary<string, string> values)
        {
            var width = Hyperparameters.Number(values, "width");
            _ = Filters(width, CifarResNet.Filters);
            return new CifarResNetHyperparameters(depth, Size(values), width);
        }

        protected override int SizeOf(Hyperparameters hyperparameters) => ModelDescription.Of<CifarResNetHyperparameters>(hyperparameters).Size;

        protected override ResidualLayout LayoutOf(Hyperparameters hyperparameters, int channels) => new(
            channels, Filters(ModelDescription.Of<CifarResNetHyperparameters>(hyperparameters).Width, CifarResNet.Filters), [_blocks, _blocks, _blocks],
            Bottleneck: false, LargeStem: false, Projects: false);

        protected override Hyperparameters? Recognise(int kernel, int filters) =>
            kernel == 3 && filters <= MostWidth * CifarResNet.Filters ? new CifarResNetHyperparameters(depth, Width: filters / (double)CifarResNet.Filters) : null;

        protected override void Start(Linear last, RandomSource random)
        {
            using var scope = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            last.Weight.Value.Assign(Initialise.KaimingNormal(last.Weight.Shape, last.Weight.Shape[1], random, last.Weight.Value.Device));
        }
    }
}
