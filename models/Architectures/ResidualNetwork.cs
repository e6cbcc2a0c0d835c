using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>What a residual network is made of.</summary>
/// <param name="Channels">Colours of the images.</param>
/// <param name="Filters">Channels of the first stage; each further one has twice as many, and half the rows and columns.</param>
/// <param name="Blocks">How many blocks each stage has.</param>
/// <param name="Bottleneck">Whether they are bottlenecks.</param>
/// <param name="LargeStem">Whether the network begins with a 7x7 convolution of stride 2 and a 3x3 max pooling of stride 2, else with a 3x3 convolution.</param>
/// <param name="Projects">Whether shortcuts between shapes are convolutions, else every second pixel among channels of zeros.</param>
internal sealed record ResidualLayout(int Channels, int Filters, IReadOnlyList<int> Blocks, bool Bottleneck, bool LargeStem, bool Projects)
{
    /// <summary>d, the number of features.</summary>
    public int Features => Stages()[^1][^1].Outputs;

    /// <summary>The first convolution.</summary>
    public (int Kernel, int Stride) Stem => LargeStem ? (7, 2) : (3, 1);

    /// <summary>The blocks of every stage.</summary>
    public ResidualShape[][] Stages()
    {
        var stages = new ResidualShape[Blocks.Count][];
        var inputs = Filters;
        for (var s = 0; s < stages.Length; s++)
        {
            stages[s] = new ResidualShape[Blocks[s]];
            for (var b = 0; b < stages[s].Length; b++)
            {
                var block = new ResidualShape(inputs, Filters << s, b == 0 && s > 0 ? 2 : 1, Bottleneck);
                (stages[s][b], inputs) = (block, block.Outputs);
            }
        }

        return stages;
    }

    /// <summary>The weights of all convolutions with PyTorch's names and shapes.</summary>
    public IEnumerable<(string Name, int[] Shape)> Outline()
    {
        yield return ("conv1.weight", [Filters, Channels, Stem.Kernel, Stem.Kernel]);
        foreach (var (stage, s) in Stages().Select((stage, s) => (stage, s + 1)))
        {
            for (var b = 0; b < stage.Length; b++)
            {
                var block = FormattableString.Invariant($"layer{s}.{b}");
                foreach (var (conv, i) in stage[b].Convolutions.Select((conv, i) => (conv, i + 1)))
                    yield return (FormattableString.Invariant($"{block}.conv{i}.weight"), [conv.Outputs, conv.Inputs, conv.Kernel, conv.Kernel]);
                if (Projects && stage[b].ChangesShape)
                    yield return ($"{block}.downsample.0.weight", [stage[b].Outputs, stage[b].Inputs, 1, 1]);
            }
        }
    }
}

/// <summary>The feature extractor of a residual network: images [n, h, w, c] of any size to features [n, d].</summary>
/// <remarks>The names are PyTorch's: conv1, bn1, layer1.0.conv1, ..; what has no weights is called maxpool and avgpool.</remarks>
internal sealed class ResidualNetwork : Module
{
    private readonly Conv2d _conv;
    private readonly BatchNorm2d _norm;
    private readonly MaxPool2d? _pool;
    private readonly Sequential[] _stages;
    private readonly GlobalAveragePool2d _mean;

    public ResidualNetwork(ResidualLayout layout, ResidualWeights weights)
    {
        _conv = AddModule("conv1", weights.Conv(layout.Channels, layout.Filters, layout.Stem.Kernel, layout.Stem.Stride));
        _norm = AddModule("bn1", weights.Norm(layout.Filters));
        if (layout.LargeStem)
            _pool = AddModule("maxpool", new MaxPool2d(3, 2, 1));
        _stages =
        [
            .. layout.Stages().Select((stage, s) => AddModule(
                FormattableString.Invariant($"layer{s + 1}"),
                new Sequential([.. stage.Select(shape => new ResidualBlock(shape, weights, layout.Projects))]))),
        ];
        _mean = AddModule("avgpool", new GlobalAveragePool2d());
    }

    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        x = _norm.Forward(_conv.Forward(x), relu: true);
        x = _pool?.Forward(x) ?? x;
        foreach (var stage in _stages)
            x = stage.Forward(x);
        return scope.Keep(_mean.Forward(x));
    }

    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        x = plan.Unary(UnaryOp.Relu, _norm.Lower(plan, _conv.Lower(plan, x)));
        x = _pool?.Lower(plan, x) ?? x;
        foreach (var stage in _stages)
            x = stage.Lower(plan, x);
        return _mean.Lower(plan, x);
    }
}
