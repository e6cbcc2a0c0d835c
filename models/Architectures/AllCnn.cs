using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>What All-CNN can be told.</summary>
/// <param name="Width">The share of the original's filters: 0.5 in the paper (d = 96), or 1.</param>
public sealed record AllCnnHyperparameters(double Width = 0.5) : Hyperparameters
{
    /// <inheritdoc/>
    public override string Architecture => AllCnn.Name;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Value)> Values => [("width", Text(Width))];
}

/// <summary>The feature extractor of All-CNN as the paper's code has it: images [n, 32, 32, c] to features [n, 192 width].</summary>
/// <remarks>Eight convolution blocks and a global average; the names are PyTorch's (3 and 7 are its dropout positions, here and
/// there the identity). 173.7 MFLOP an image at width 0.5.</remarks>
public sealed class AllCnn : Module
{
    /// <summary>The architecture's name.</summary>
    public const string Name = "allcnn";

    /// <summary>The size of the images, in pixels.</summary>
    public const int ImageSize = 32;

    // Name, output channels in units of 96 width, kernel, stride.
    private static readonly (int Name, int Units, int Kernel, int Stride)[] Plan =
    [
        (0, 1, 3, 1), (1, 1, 3, 1), (2, 2, 3, 2), (4, 2, 3, 1), (5, 2, 3, 1), (6, 2, 3, 2), (8, 2, 3, 1), (9, 2, 1, 1),
    ];

    private readonly ConvBlock[] _blocks;
    private readonly GlobalAveragePool2d _pool;

    /// <summary>An extractor with PyTorch's starting values.</summary>
    /// <param name="width">The share of the original's filters: 0.5 in the paper (d = 96), or 1.</param>
    /// <param name="random">The source of the starting values.</param>
    /// <param name="channels">Colours of the images.</param>
    /// <param name="device">Where the parameters live.</param>
    /// <exception cref="UsageException">The width gives no filters.</exception>
    public AllCnn(double width, RandomSource random, int channels = 3, Device? device = null)
    {
        var unit = Unit(width);
        _blocks = new ConvBlock[Plan.Length];
        for (var i = 0; i < Plan.Length; i++)
        {
            var (name, units, kernel, stride) = Plan[i];
            _blocks[i] = AddModule(
                name.ToString(CultureInfo.InvariantCulture), new ConvBlock(channels, units * unit, kernel, random, stride, device));
            channels = units * unit;
        }

        _pool = AddModule("10", new GlobalAveragePool2d());
        FeatureWidth = channels;
    }

    /// <summary>The architecture, as <see cref="Architectures"/> knows it.</summary>
    public static IArchitecture Architecture { get; } = new Family();

    /// <summary>d, the number of features.</summary>
    public int FeatureWidth { get; }

    /// <summary>The number of features that a width gives.</summary>
    /// <param name="width">The share of the original's filters.</param>
    /// <exception cref="UsageException">The width gives no filters.</exception>
    public static int FeaturesOf(double width) => Plan[^1].Units * Unit(width);

    /// <summary>The filters of the first blocks at a width; the others have twice as many.</summary>
    private static int Unit(double width) => width > 0 && width <= 4
        ? Math.Max((int)(96 * width), 1)
        : throw new UsageException($"allcnn: got width {width.ToString(CultureInfo.InvariantCulture)}, wants more than 0, at most 4");

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        if (x.Shape.Rank != 4 || x.Shape[1] != ImageSize || x.Shape[2] != ImageSize)
            throw new ShapeException($"allcnn: got images {x.Shape}, wants [n, {ImageSize}, {ImageSize}, c]");
        using var scope = Tensor.Scope();
        foreach (var block in _blocks)
            x = block.Forward(x);
        return scope.Keep(_pool.Forward(x));
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        if (x.Shape.Rank != 3 || x.Shape[0] != ImageSize || x.Shape[1] != ImageSize)
            throw new ShapeException($"allcnn: got an image {x.Shape}, wants [{ImageSize}, {ImageSize}, c]");
        foreach (var block in _blocks)
            x = block.Lower(plan, x);
        return _pool.Lower(plan, x);
    }

    private sealed class Family : IArchitecture
    {
        // PyTorch's names: of the first block, whose filters tell the width, and of the head.
        private const string First = "features.0.0.weight";
        private const string Last = "head.0.weight";

        public string Name => AllCnn.Name;

        public Hyperparameters Defaults { get; } = new AllCnnHyperparameters();

        public Hyperparameters Parse(IReadOnlyDictionary<string, string> values)
        {
            var width = Hyperparameters.Number(values, "width");
            _ = Unit(width);
            return new AllCnnHyperparameters(width);
        }

        public (int Height, int Width, int Channels) Input(Hyperparameters hyperparameters) => (ImageSize, ImageSize, 3);

        public (Module Extractor, Linear Head) Create(ModelDescription description, RandomSource random, Device? device)
        {
            var extractor = new AllCnn(description.HyperparametersOf<AllCnnHyperparameters>().Width, random, description.Channels, device);
            return (extractor, new Linear(extractor.FeatureWidth, description.ClassNames.Count, random, device: device));
        }

        public IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description)
        {
            var unit = Unit(description.HyperparametersOf<AllCnnHyperparameters>().Width);
            return [(First, [unit, description.Channels, 3, 3]), (Last, [description.ClassNames.Count, 2 * unit])];
        }

        public ModelDescription? Recognise(INamedArraySource tensors) =>
            tensors.Find(First) is { Shape: [var filters, var channels, 3, 3] } && tensors.Find(Last) is { Shape: [var classes, var features] } && filters > 0 && features == 2L * filters
                && channels is >= 1 and <= ModelDescription.MostChannels && classes <= ModelDescription.MostClasses
                ? ModelDescription.OfTensors(new AllCnnHyperparameters(filters / 96.0), channels, classes)
                : null;
    }
}
