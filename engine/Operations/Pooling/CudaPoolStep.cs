using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>Pooling.</summary>
internal sealed class CudaPoolStep(PoolNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
{
    private readonly CudaSlot _x = CudaSlot.Of(node.X, layout), _y = CudaSlot.Of(node.Output, layout);
    private readonly (PoolKind Kind, bool CountPadding) _pool = (node.Pool, node.CountPadding);
    private readonly WindowShape _shape = WindowShape.Pool(
        (0, node.X.Height, node.X.Width, node.X.Channels), node.Kernel, (node.Stride, node.Stride), (node.Padding, node.Padding));

    public override void Run(in CudaArena arena, int images)
    {
        var shape = _shape with { Batch = images };
        if (_pool.Kind == PoolKind.Max)
            Backend.Pools.Max(DType.F32, shape, _x.In(arena), _y.In(arena), 0);
        else
            Backend.Pools.Average(DType.F32, shape, _pool.CountPadding, _x.In(arena), _y.In(arena));
    }
}
