using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>f(x scale + shift + residual).</summary>
internal sealed unsafe class PointwiseStep : CpuStep
{
    private readonly Slot _x, _y;
    private readonly Slot? _residual;
    private readonly bool _relu;
    private readonly NativeFloats? _scale, _shift;

    public PointwiseStep(PointwiseNode node, ArenaLayout layout)
    {
        (_x, _y, _relu) = (Slot.Of(node.X, layout), Slot.Of(node.Output, layout), node.Relu);
        _residual = node.Residual is null ? null : Slot.Of(node.Residual, layout);
        _scale = Own(node.Scale is null ? null : Array.ConvertAll(node.Scale, s => (float)s));
        _shift = Own(node.Shift is null ? null : Array.ConvertAll(node.Shift, s => (float)s));
    }

    public override void Run(float* arena, int images) => Pointwise.Run(
        images, _x.In(arena), _scale is null ? null : _scale.Data, _shift is null ? null : _shift.Data, _residual?.In(arena) ?? default, _relu, _y.In(arena));
}
