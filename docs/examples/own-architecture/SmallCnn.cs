using EscNative;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Models;

/// <summary>What a <see cref="SmallCnn"/> can be told.</summary>
/// <param name="Filters">Of its first convolution; the second has twice as many, which are the features.</param>
internal sealed record SmallCnnHyperparameters(int Filters = 16) : Hyperparameters
{
    public override string Architecture => SmallCnn.Name;

    public override IReadOnlyList<(string Name, string Value)> Values => [("filters", Text(Filters))];
}

/// <summary>Two convolutions and a global average: images [n, 32, 32, c] to features [n, 2 filters].</summary>
internal sealed class SmallCnn : Module
{
    public const string Name = "small-cnn";

    private readonly Conv2d _first, _second;
    private readonly GlobalAveragePool2d _pool;

    public SmallCnn(int filters, RandomSource random, int channels, Device? device)
    {
        _first = AddModule("0", new Conv2d(channels, filters, 3, random, stride: 2, padding: 1, device: device));
        _second = AddModule("1", new Conv2d(filters, 2 * filters, 3, random, stride: 2, padding: 1, device: device));
        _pool = AddModule("2", new GlobalAveragePool2d());
    }

    // For training.
    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        return scope.Keep(_pool.Forward(_second.Forward(_first.Forward(x).Relu()).Relu()));
    }

    // The same for plans, which fuse it.
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        x = plan.Unary(UnaryOp.Relu, _first.Lower(plan, x));
        return _pool.Lower(plan, plan.Unary(UnaryOp.Relu, _second.Lower(plan, x)));
    }
}

/// <summary>How the library makes such networks, and recognises them in files.</summary>
internal sealed class SmallCnnArchitecture : IArchitecture
{
    private const string First = "features.0.weight", Last = "head.0.weight";
    private const int Side = 32;

    public string Name => SmallCnn.Name;

    public Hyperparameters Defaults { get; } = new SmallCnnHyperparameters();

    public Hyperparameters Parse(IReadOnlyDictionary<string, string> values) => Hyperparameters.Whole(values, "filters") is > 0 and <= 4096 and var filters
        ? new SmallCnnHyperparameters(filters)
        : throw new UsageException($"{Name}: got filters {values["filters"]}, wants 1 to 4096");

    public (int Height, int Width, int Channels) Input(Hyperparameters hyperparameters) => (Side, Side, 3);

    public (Module Extractor, Linear Head) Create(ModelDescription description, RandomSource random, Device? device)
    {
        var filters = description.HyperparametersOf<SmallCnnHyperparameters>().Filters;
        return (new SmallCnn(filters, random, description.Channels, device), new Linear(2 * filters, description.ClassNames.Count, random, device: device));
    }

    public IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description)
    {
        var filters = description.HyperparametersOf<SmallCnnHyperparameters>().Filters;
        return [(First, [filters, description.Channels, 3, 3]), (Last, [description.ClassNames.Count, 2 * filters])];
    }

    // A file that another program wrote, as PyTorch lays it out.
    public ModelDescription? Recognise(INamedArraySource tensors) =>
        tensors.Find(First) is { Shape: [var filters, var channels, 3, 3] } && tensors.Find(Last) is { Shape: [var classes, var features] } && features == 2 * filters
            ? ModelDescription.OfTensors(new SmallCnnHyperparameters(filters), channels, classes)
            : null;
}
