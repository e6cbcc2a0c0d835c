using EscNative.Kernels.Cuda;

namespace EscNative.Engine.Plans;

/// <summary>Attention.</summary>
internal sealed class CudaAttentionStep(AttentionNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
{
    private readonly CudaSlot _q = CudaSlot.Of(node.Q, layout), _k = CudaSlot.Of(node.K, layout), _v = CudaSlot.Of(node.V, layout);
    private readonly CudaSlot _y = CudaSlot.Of(node.Output, layout);
    private readonly int _heads = node.Heads;

    public override long WorkspaceBytes(int images) => CudaAttention.WorkspaceBytes(DType.F32, images, _q.Height, _k.Height, _heads);

    public override void Run(in CudaArena arena, int images) => Backend.Attention.Forward(
        DType.F32, images, _q.Height, _k.Height, _q.Channels, _heads, _q.In(arena), _k.In(arena), _v.In(arena), _y.In(arena), arena.Workspace);
}
