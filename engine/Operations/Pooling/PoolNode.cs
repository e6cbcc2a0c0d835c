using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>The largest value or the mean of windows.</summary>
internal sealed class PoolNode(
    string name, PlanValue x, PoolKind pool, (int Height, int Width) kernel, int stride, int padding, bool countPadding) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public PoolKind Pool { get; } = pool;

    public (int Height, int Width) Kernel { get; } = kernel;

    public int Stride { get; } = stride;

    public int Padding { get; } = padding;

    public bool CountPadding { get; } = countPadding;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => FormattableString.Invariant($"{(Pool == PoolKind.Max ? "max" : "average")} pool {Kernel.Height}x{Kernel.Width}");

    public override double Flops => Count(Output) * Kernel.Height * Kernel.Width;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu(PoolNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _x = CpuSlot.Of(node.X, layout), _y = CpuSlot.Of(node.Output, layout);
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

    private sealed class Cuda(PoolNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
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
}
