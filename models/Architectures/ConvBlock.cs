using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>Convolution without bias, batch normalisation, ReLU: [n, h, w, in] to [n, oh, ow, out].</summary>
public sealed class ConvBlock : Module
{
    private readonly Conv2d _conv;
    private readonly BatchNorm2d _norm;

    /// <summary>A block with padding (kernel - 1) / 2.</summary>
    public ConvBlock(int inChannels, int outChannels, int kernel, RandomSource random, int stride = 1, Device? device = null)
    {
        _conv = AddModule("0", new Conv2d(inChannels, outChannels, kernel, random, stride, (kernel - 1) / 2, bias: false, device));
        _norm = AddModule("1", new BatchNorm2d(outChannels, device: device));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        return scope.Keep(_norm.Forward(_conv.Forward(x), relu: true));
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Unary(UnaryOp.Relu, _norm.Lower(plan, _conv.Lower(plan, x)));
}
