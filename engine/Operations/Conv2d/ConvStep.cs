using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>A convolution with its epilogue, direct or by Winograd's minimal filtering.</summary>
internal sealed unsafe class ConvStep : CpuStep
{
    // One algorithm serves calls of one image and of many, so that results do not depend on their number: the one for a few.
    private const int TypicalImages = 4;

    private readonly WindowShape _shape;
    private readonly Slot _x, _y;
    private readonly Slot? _residual;
    private readonly bool _relu;
    private readonly NativeFloats? _bias;
    private readonly PackedConvWeight? _direct;
    private readonly WinogradWeight? _winograd;

    public ConvStep(ConvNode node, ArenaLayout layout, PlanOptions options)
    {
        var (weight, x, pad) = (node.Weight, node.X, node.Padding);
        _shape = WindowShape.Of(
            (TypicalImages, x.Height, x.Width, x.Channels), weight.Outputs, (weight.KernelHeight, weight.KernelWidth), (node.Stride, node.Stride), (pad, pad));
        (_x, _y) = (Slot.Of(x, layout), Slot.Of(node.Output, layout));
        _residual = node.Residual is null ? null : Slot.Of(node.Residual, layout);
        _relu = node.Relu;
        _bias = Own(weight.Bias());
        fixed (float* values = weight.Values())
        {
            if (options.Winograd && Winograd.Pays(_shape, out var tile))
                _winograd = Own(new WinogradWeight(weight.Outputs, weight.Inputs, values, tile));
            else
                _direct = Own(new PackedConvWeight(weight.Outputs, weight.KernelHeight, weight.KernelWidth, weight.Inputs, values));
        }
    }

    public override string Algorithm => _winograd?.Tile switch { null => "direct", WinogradTile.F2x2 => "winograd 2x2", WinogradTile.F4x4 => "winograd 4x4", _ => "winograd 4x4, stride 2" };

    public override void Run(float* arena, int images)
    {
        var shape = _shape with { Batch = images };
        var epilogue = new ConvEpilogue(_bias is null ? 0 : (nint)_bias.Data, _residual?.In(arena) ?? default, _relu);
        if (_winograd is not null)
            Winograd.Forward(shape, _x.In(arena), _winograd, epilogue, _y.In(arena));
        else
            Conv.Forward(shape, _x.In(arena), _direct!, epilogue, _y.In(arena));
    }
}
