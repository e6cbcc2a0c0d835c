using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>An elementwise function.</summary>
internal sealed unsafe class ActivationStep(ActivationNode node, ArenaLayout layout) : CpuStep
{
    private readonly Slot _x = Slot.Of(node.X, layout), _y = Slot.Of(node.Output, layout);
    private readonly UnaryOp _op = node.Op;

    public override void Run(float* arena, int images) => Elementwise.Unary(_op, _x.Data(arena), _y.Data(arena), images * _y.Count);
}
