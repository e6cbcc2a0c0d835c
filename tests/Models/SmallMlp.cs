using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Models;

namespace EscNative.Tests.Models;

/// <summary>What the perceptron can be told.</summary>
/// <param name="Hidden">d, the units of the hidden layer.</param>
public sealed record SmallMlpHyperparameters(int Hidden = 16) : Hyperparameters
{
    public override string Architecture => "small-mlp";

    public override IReadOnlyList<(string Name, string Value)> Values => [("hidden", Hidden.ToString(CultureInfo.InvariantCulture))];
}

/// <summary>A perceptron of one hidden layer, as a user would add it: torch.nn.Sequential(Flatten(), Linear(), ReLU(), Linear()).</summary>
public sealed class SmallMlp : Module
{
    private const int Side = 32;

    private readonly Linear _hidden;
    private readonly int _channels;

    public SmallMlp(int hidden, int channels, RandomSource random, Device? device = null)
    {
        _channels = channels;
        _hidden = AddModule("1", new Linear(channels * Side * Side, hidden, random, device: device));
    }

    public static IArchitecture Architecture { get; } = new Family();

    // x: [n, 32, 32, c] to [n, d]; PyTorch's flattened images have their channels first.
    public override Tensor Forward(Tensor x)
    {
        if (x.Shape.Rank != 4 || x.Shape[1] != Side || x.Shape[2] != Side || x.Shape[3] != _channels)
            throw new ShapeException($"small-mlp: got images {x.Shape}, wants [n, {Side}, {Side}, {_channels}]");
        using var scope = Tensor.Scope();
        return scope.Keep(_hidden.Forward(x.Permute(0, 3, 1, 2).Reshape(x.Shape[0], _channels * Side * Side)).Relu());
    }

    // A window as large as the image is the same product.
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        var weight = _hidden.Weight.Value.Reshape(_hidden.Weight.Shape[0], _channels, Side, Side).Permute(0, 2, 3, 1);
        return plan.GlobalAveragePool2d(plan.Unary(UnaryOp.Relu, plan.Conv2d(x, weight, _hidden.Bias!)));
    }

    private sealed class Family : IArchitecture
    {
        public string Name => Defaults.Architecture;

        public Hyperparameters Defaults { get; } = new SmallMlpHyperparameters();

        public Hyperparameters Parse(IReadOnlyDictionary<string, string> values) => Hyperparameters.Whole(values, "hidden") is var hidden and >= 1 and <= 1 << 16
            ? new SmallMlpHyperparameters(hidden)
            : throw new UsageException($"small-mlp: got {values["hidden"]} hidden units, wants 1 to 65536");

        public (int Height, int Width, int Channels) Input(Hyperparameters hyperparameters) => (Side, Side, 3);

        public (Module Extractor, Linear Head) Create(ModelDescription description, RandomSource random, Device? device)
        {
            var hidden = description.HyperparametersOf<SmallMlpHyperparameters>().Hidden;
            return (new SmallMlp(hidden, description.Channels, random, device), new Linear(hidden, description.ClassNames.Count, random, device: device));
        }

        public IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description)
        {
            var hidden = description.HyperparametersOf<SmallMlpHyperparameters>().Hidden;
            return [("1.weight", [hidden, description.Channels * Side * Side]), ("3.weight", [description.ClassNames.Count, hidden])];
        }

        public ModelDescription? Recognise(INamedArraySource tensors) =>
            tensors.Find("1.weight") is { Shape: [var hidden, var inputs] } && tensors.Find("3.weight") is { Shape: [var classes, var features] }
            && features == hidden && inputs % (Side * Side) == 0
                ? ModelDescription.OfTensors(new SmallMlpHyperparameters(hidden), inputs / (Side * Side), classes)
                : null;

        public string PyTorchName(string name) => name.Replace("features.", "", StringComparison.Ordinal).Replace("head.0.", "3.", StringComparison.Ordinal);
    }
}
