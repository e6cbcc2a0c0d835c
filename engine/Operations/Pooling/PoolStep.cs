using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>Pooling.</summary>
internal sealed unsafe class PoolStep(PoolNode node, ArenaLayout layout) : CpuStep
{
    private readonly Slot _x = Slot.Of(node.X, layout), _y = Slot.Of(node.Output, layout);
    private readonly (PoolKind Kind, bool CountPadding) _pool = (node.Pool, node.CountPadding);
    private readonly WindowShape _shape = WindowShape.Pool(
        (0, node.X.Height, node.X.Width, node.X.Channels), node.Kernel, (node.Stride, node.Stride), (node.Padding, node.Padding));

    public override void Run(float* arena, int images)
    {
        var shape = _shape with { Batch = images };
        if (_pool.Kind == PoolKind.Max)
            ViewPool.Max(shape, _x.In(arena), _y.In(arena));
        else
            ViewPool.Average(shape, _pool.CountPadding, _x.In(arena), _y.In(arena));
    }
}
