namespace EscNative.Engine.Plans;

/// <summary>Every so many-th pixel, among channels of zeros.</summary>
internal sealed class SubsampleNode(string name, PlanValue x, int stride, int before) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public int Stride { get; } = stride;

    public int Before { get; } = before;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind =>
        FormattableString.Invariant($"subsample {Stride}x{Stride}") + (Output.Channels > X.Channels ? FormattableString.Invariant($" + {Output.Channels - X.Channels} channels of 0") : "");

    public override double Flops => 0;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu(SubsampleNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _x = CpuSlot.Of(node.X, layout), _y = CpuSlot.Of(node.Output, layout);
        private readonly int _stride = node.Stride, _before = node.Before;

        public override void Run(float* arena, int images) => Kernels.Cpu.Subsample.Run(images, _stride, _before, _x.In(arena), _y.In(arena));
    }

    private sealed class Cuda(SubsampleNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
    {
        private readonly CudaSlot _x = CudaSlot.Of(node.X, layout), _y = CudaSlot.Of(node.Output, layout);
        private readonly int _stride = node.Stride, _before = node.Before;

        public override void Run(in CudaArena arena, int images) => Backend.Subsample(
            _x.In(arena), new Shape(images, _x.Height, _x.Width, _x.Channels), _y.In(arena), new Shape(images, _y.Height, _y.Width, _y.Channels), _stride, _before);
    }
}
