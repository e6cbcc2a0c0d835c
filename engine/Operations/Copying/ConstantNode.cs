namespace EscNative.Engine.Plans;

/// <summary>The same values for every image. Where a node can take them as its constant they are no step: see <see cref="ConcatNode"/>.</summary>
internal sealed class ConstantNode(string name, float[] values) : PlanNode(name)
{
    public float[] Values { get; } = values;

    public override IEnumerable<PlanValue> Inputs => [];

    public override string Kind => "constant";

    public override double Flops => 0;

    public override double WeightBytes => sizeof(float) * (double)Values.Length;

    public override bool Strided => false;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu : CpuStep
    {
        private readonly CpuSlot _y;
        private readonly NativeFloats _values;

        public Cpu(ConstantNode node, ArenaLayout layout) => (_y, _values) = (CpuSlot.Of(node.Output, layout), Constant(node.Values));

        public override void Run(float* arena, int images)
        {
            for (var i = 0; i < images; i++)
                Blocks.Copy(1, _y.Count, _values.Data, 0, _y.Data(arena) + (i * _y.Count), 0);
        }
    }

    private sealed class Cuda : CudaStep
    {
        private readonly CudaSlot _y;
        private readonly CudaConstant? _values;

        public Cuda(ConstantNode node, ArenaLayout layout, CudaBackend backend)
            : base(backend) => (_y, _values) = (CudaSlot.Of(node.Output, layout), Constant(node.Values));

        public override void Run(in CudaArena arena, int images) => Backend.CopyBlocks(images, 1, _y.Count, Address(_values), 0, 0, _y.In(arena), _y.Count, 0);
    }
}
