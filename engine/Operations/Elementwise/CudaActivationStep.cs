using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>An elementwise function.</summary>
internal sealed class CudaActivationStep(ActivationNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
{
    private readonly CudaSlot _x = CudaSlot.Of(node.X, layout), _y = CudaSlot.Of(node.Output, layout);
    private readonly UnaryOp _op = node.Op;

    public override void Run(in CudaArena arena, int images) =>
        Backend.Elementwise.Unary(DType.F32, _op, _x.In(arena), _y.In(arena), images * _y.Count);
}
