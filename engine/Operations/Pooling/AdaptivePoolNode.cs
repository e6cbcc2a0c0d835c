using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>The mean of so many windows.</summary>
internal sealed class AdaptivePoolNode(string name, PlanValue x, int height, int width) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public AdaptivePoolShape Pool { get; } = new(0, x.Height, x.Width, x.Channels, height, width);

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => FormattableString.Invariant($"average pool to {Pool.OutHeight}x{Pool.OutWidth}");

    public override double Flops => Count(Output) * ((Pool.Height / Pool.OutHeight) + 1) * ((Pool.Width / Pool.OutWidth) + 1);

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu(AdaptivePoolNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _x = CpuSlot.Of(node.X, layout), _y = CpuSlot.Of(node.Output, layout);
        private readonly AdaptivePoolShape _shape = node.Pool;

        public override void Run(float* arena, int images) => AdaptiveAveragePool.Forward(_shape with { Batch = images }, _x.In(arena), _y.In(arena));
    }

    private sealed class Cuda(AdaptivePoolNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
    {
        private readonly CudaSlot _x = CudaSlot.Of(node.X, layout), _y = CudaSlot.Of(node.Output, layout);
        private readonly AdaptivePoolShape _shape = node.Pool;

        public override void Run(in CudaArena arena, int images) =>
            Backend.Pools.AdaptiveAverage(DType.F32, _shape with { Batch = images }, _x.In(arena), _y.In(arena));
    }
}
