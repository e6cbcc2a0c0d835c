namespace EscNative.Engine.Plans;

/// <summary>A range of one axis, copied: of tokens or of columns.</summary>
internal sealed class SliceNode(string name, PlanValue x, int axis, int start) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public int Axis { get; } = axis;

    public int Start { get; } = start;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => "slice";

    public override double Flops => 0;

    public override bool Strided => false;

    // An image is blocks of values, one after another; of each a piece is wanted.
    private (long Blocks, long Pitch, long From, long Length) Cut
    {
        get
        {
            var (inner, blocks) = (1L, 1L);
            for (var i = Axis + 1; i < X.Shape.Rank; i++)
                inner *= X.Shape[i];
            for (var i = 0; i < Axis; i++)
                blocks *= X.Shape[i];
            return (blocks, X.Shape[Axis] * inner, Start * inner, Output.Shape[Axis] * inner);
        }
    }

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu(SliceNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _x = CpuSlot.Of(node.X, layout), _y = CpuSlot.Of(node.Output, layout);
        private readonly (long Blocks, long Pitch, long From, long Length) _cut = node.Cut;

        public override void Run(float* arena, int images) =>
            Blocks.Copy(images * _cut.Blocks, _cut.Length, _x.Data(arena) + _cut.From, _cut.Pitch, _y.Data(arena), _cut.Length);
    }

    private sealed class Cuda(SliceNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
    {
        private readonly CudaSlot _x = CudaSlot.Of(node.X, layout), _y = CudaSlot.Of(node.Output, layout);
        private readonly (long Blocks, long Pitch, long From, long Length) _cut = node.Cut;

        public override void Run(in CudaArena arena, int images) => Backend.CopyBlocks(
            images, _cut.Blocks, _cut.Length, _x.In(arena) + (nint)(sizeof(float) * _cut.From), _x.Count, _cut.Pitch, _y.In(arena), _y.Count, _cut.Length);
    }
}
