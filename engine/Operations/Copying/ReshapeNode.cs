namespace EscNative.Engine.Plans;

/// <summary>The same values in another shape. Where nobody reads the old one any more it is the same memory, and nothing is done.</summary>
internal sealed class ReshapeNode(string name, PlanValue x) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => "reshape";

    public override double Flops => 0;

    public override bool Strided => false;

    public override bool MayOverwrite(PlanValue input) => true;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu(ReshapeNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _x = CpuSlot.Of(node.X, layout), _y = CpuSlot.Of(node.Output, layout);

        public override void Run(float* arena, int images)
        {
            if (_x.Offset != _y.Offset)
                Blocks.Copy(1, images * _y.Count, _x.Data(arena), 0, _y.Data(arena), 0);
        }
    }

    private sealed class Cuda(ReshapeNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
    {
        private readonly CudaSlot _x = CudaSlot.Of(node.X, layout), _y = CudaSlot.Of(node.Output, layout);

        public override void Run(in CudaArena arena, int images)
        {
            if (_x.Offset != _y.Offset)
                Backend.CopyBlocks(1, 1, images * _y.Count, _x.In(arena), 0, 0, _y.In(arena), 0, 0);
        }
    }
}
