using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>The sizes of a residual block: two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1.</summary>
/// <param name="Inputs">Channels that it is given.</param>
/// <param name="Filters">Channels within; a bottleneck gives four times as many.</param>
/// <param name="Stride">Of its first 3x3 convolution.</param>
/// <param name="Bottleneck">Which of the two it is.</param>
internal readonly record struct ResidualShape(int Inputs, int Filters, int Stride, bool Bottleneck)
{
    /// <summary>Channels that it gives.</summary>
    public int Outputs => Bottleneck ? 4 * Filters : Filters;

    /// <summary>Whether what it gives has another shape than what it is given.</summary>
    public bool ChangesShape => Stride != 1 || Inputs != Outputs;

    /// <summary>Its convolutions in their order.</summary>
    public (int Inputs, int Outputs, int Kernel, int Stride)[] Convolutions => Bottleneck
        ? [(Inputs, Filters, 1, 1), (Filters, Filters, 3, Stride), (Filters, Outputs, 1, 1)]
        : [(Inputs, Filters, 3, Stride), (Filters, Filters, 3, 1)];
}

/// <summary>ReLU(body(x) + shortcut(x)): the body's convolutions conv1, conv2, .. with batch normalisation bn1, bn2, .. and ReLU between them.</summary>
internal sealed class ResidualBlock : Module
{
    private readonly (Conv2d Conv, BatchNorm2d Norm)[] _body;
    private readonly Module? _shortcut;

    /// <summary>A block.</summary>
    /// <param name="shape">Its sizes.</param>
    /// <param name="weights">Makes its layers.</param>
    /// <param name="projects">Whether a shortcut between shapes is a 1x1 convolution with batch normalisation, named downsample; else it takes every
    /// second pixel, among channels of zeros.</param>
    public ResidualBlock(ResidualShape shape, ResidualWeights weights, bool projects)
    {
        var convolutions = shape.Convolutions;
        _body = new (Conv2d, BatchNorm2d)[convolutions.Length];
        for (var i = 0; i < convolutions.Length; i++)
        {
            var (inputs, outputs, kernel, stride) = convolutions[i];
            _body[i] = (
                AddModule(FormattableString.Invariant($"conv{i + 1}"), weights.Conv(inputs, outputs, kernel, stride)),
                AddModule(FormattableString.Invariant($"bn{i + 1}"), weights.Norm(outputs)));
        }

        if (!shape.ChangesShape)
            return;
        var before = (shape.Outputs - shape.Inputs) / 2;
        _shortcut = projects
            ? AddModule("downsample", new Sequential(weights.Conv(shape.Inputs, shape.Outputs, 1, shape.Stride), weights.Norm(shape.Outputs)))
            : AddModule("shortcut", new Subsample(shape.Stride, before, shape.Outputs - shape.Inputs - before));
    }

    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        var y = x;
        for (var i = 0; i < _body.Length; i++)
            y = _body[i].Norm.Forward(_body[i].Conv.Forward(y), relu: i < _body.Length - 1);
        return scope.Keep((y + (_shortcut?.Forward(x) ?? x)).Relu());
    }

    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        var y = x;
        for (var i = 0; i < _body.Length; i++)
        {
            y = _body[i].Norm.Lower(plan, _body[i].Conv.Lower(plan, y));
            if (i < _body.Length - 1)
                y = plan.Unary(UnaryOp.Relu, y);
        }

        return plan.Unary(UnaryOp.Relu, plan.Add(y, _shortcut?.Lower(plan, x) ?? x));
    }
}

/// <summary>Makes the layers of a residual network with their starting values.</summary>
/// <param name="random">The source: all values come from it, in the order of the layers.</param>
/// <param name="fanOut">Whether the size of a convolution's values goes by what a value goes into, else by what meets in one.</param>
/// <param name="device">Where they live.</param>
internal sealed class ResidualWeights(RandomSource random, bool fanOut, Device? device)
{
    /// <summary>A convolution without bias that keeps the size at a stride of 1; normal weights of variance 2 / fan.</summary>
    public Conv2d Conv(int inputs, int outputs, int kernel, int stride) => new(
        Initialise.KaimingNormal((outputs, kernel, kernel, inputs), kernel * kernel * (fanOut ? outputs : inputs), random, device),
        stride: stride, padding: (kernel - 1) / 2);

    /// <summary>A batch normalisation that starts as the identity.</summary>
    public BatchNorm2d Norm(int channels) => new(channels, device: device);
}
