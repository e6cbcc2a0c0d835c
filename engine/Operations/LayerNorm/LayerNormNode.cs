using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>Layer normalisation over the channels of each pixel or token.</summary>
internal sealed class LayerNormNode(string name, PlanValue x, float[] weight, float[] bias, double eps) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public float[] Weight { get; } = weight;

    public float[] Bias { get; } = bias;

    public double Eps { get; } = eps;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => "layer norm";

    public override double Flops => 8 * Count(Output);

    public override double WeightBytes => sizeof(float) * (double)(Weight.Length + Bias.Length);

    public override bool Strided => false;

    public override bool MayOverwrite(PlanValue input) => true;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu : CpuStep
    {
        private readonly CpuSlot _x, _y;
        private readonly double _eps;
        private readonly NativeFloats _weight, _bias;

        public Cpu(LayerNormNode node, ArenaLayout layout)
        {
            (_x, _y, _eps) = (CpuSlot.Of(node.X, layout), CpuSlot.Of(node.Output, layout), node.Eps);
            (_weight, _bias) = (Constant(node.Weight), Constant(node.Bias));
        }

        public override void Run(float* arena, int images)
        {
            var rows = (long)images * _x.Height * _x.Width;
            // The backward pass alone wants the statistics.
            var statistics = CpuScratch.Get<float>(CpuScratch.Slot.PlanStatistics, 2 * rows);
            LayerNorm.Forward(_x.Data(arena), _weight.Data, _bias.Data, _eps, _y.Data(arena), statistics, statistics + rows, rows, _x.Channels);
        }
    }

    private sealed class Cuda : CudaStep
    {
        private readonly CudaSlot _x, _y;
        private readonly double _eps;
        private readonly CudaConstant? _weight, _bias;

        public Cuda(LayerNormNode node, ArenaLayout layout, CudaBackend backend)
            : base(backend)
        {
            (_x, _y, _eps) = (CudaSlot.Of(node.X, layout), CudaSlot.Of(node.Output, layout), node.Eps);
            (_weight, _bias) = (Constant(node.Weight), Constant(node.Bias));
        }

        // The backward pass alone wants the statistics.
        public override void Run(in CudaArena arena, int images) => Backend.LayerNorms.Forward(
            DType.F32, _x.In(arena), Address(_weight), Address(_bias), _eps, _y.In(arena), 0, 0, (long)images * _x.Height * _x.Width, _x.Channels);
    }
}
