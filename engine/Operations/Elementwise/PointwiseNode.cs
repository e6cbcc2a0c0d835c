using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>f(x scale + shift + residual), channel by channel: what could not be fused into a convolution.</summary>
internal sealed class PointwiseNode(string name, PlanValue x) : EpilogueNode(name)
{
    public PlanValue X { get; } = x;

    /// <summary>[c], or null for ones.</summary>
    public double[]? Scale { get; set; }

    /// <summary>[c], or null for zeros.</summary>
    public double[]? Shift { get; set; }

    public bool IsAffineOnly => Scale is not null && IsOpen;

    public bool IsReluOnly => Scale is null && Residual is null && Relu;

    public bool IsAddOnly => Scale is null && Residual is not null && !Relu;

    public override IEnumerable<PlanValue> Inputs => Residual is null ? [X] : [X, Residual];

    public override string Kind => (Scale is null ? "copy" : "affine") + Suffix;

    public override double Flops => (Scale is null ? 0 : 2 * Count(Output)) + EpilogueFlops;

    public override double WeightBytes => Scale is null ? 0 : 2.0 * sizeof(float) * X.Channels;

    public override bool MayOverwrite(PlanValue input) => true;

    public override void Append(double[] scale, double[] shift)
    {
        Scale = Scale is null ? scale : [.. Scale.Zip(scale, (a, b) => a * b)];
        Shift = Shift is null ? shift : [.. Shift.Select((s, i) => (s * scale[i]) + shift[i])];
    }

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu : CpuStep
    {
        private readonly CpuSlot _x, _y;
        private readonly CpuSlot? _residual;
        private readonly bool _relu;
        private readonly NativeFloats? _scale, _shift;

        public Cpu(PointwiseNode node, ArenaLayout layout)
        {
            (_x, _y, _relu) = (CpuSlot.Of(node.X, layout), CpuSlot.Of(node.Output, layout), node.Relu);
            _residual = node.Residual is null ? null : CpuSlot.Of(node.Residual, layout);
            _scale = Constant(node.Scale is null ? null : Array.ConvertAll(node.Scale, s => (float)s));
            _shift = Constant(node.Shift is null ? null : Array.ConvertAll(node.Shift, s => (float)s));
        }

        public override void Run(float* arena, int images) => Pointwise.Run(
            images, _x.In(arena), _scale is null ? null : _scale.Data, _shift is null ? null : _shift.Data, _residual?.In(arena) ?? default, _relu, _y.In(arena));
    }

    private sealed class Cuda : CudaStep
    {
        private readonly CudaSlot _x, _y;
        private readonly CudaSlot? _residual;
        private readonly bool _relu;
        private readonly CudaConstant? _scale, _shift;

        public Cuda(PointwiseNode node, ArenaLayout layout, CudaBackend backend)
            : base(backend)
        {
            (_x, _y, _relu) = (CudaSlot.Of(node.X, layout), CudaSlot.Of(node.Output, layout), node.Relu);
            _residual = node.Residual is null ? null : CudaSlot.Of(node.Residual, layout);
            if (node.Scale is null && node.Shift is null)
                return;
            // The kernel takes both or none.
            _scale = Constant(node.Scale is null ? [.. Enumerable.Repeat(1f, _y.Channels)] : Array.ConvertAll(node.Scale, s => (float)s));
            _shift = Constant(node.Shift is null ? new float[_y.Channels] : Array.ConvertAll(node.Shift, s => (float)s));
        }

        public override void Run(in CudaArena arena, int images) => Backend.Images.Pointwise(
            DType.F32, _x.In(arena), Address(_scale), Address(_shift), _residual?.In(arena) ?? 0, _relu, _y.In(arena), images * _y.Count, _y.Channels);
    }
}
