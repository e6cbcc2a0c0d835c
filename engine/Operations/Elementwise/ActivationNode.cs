using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>An elementwise function other than ReLU.</summary>
internal sealed class ActivationNode(string name, PlanValue x, UnaryOp op) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public UnaryOp Op { get; } = op;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => KindOf(Op);

    /// <summary>What the table of a plan's steps calls the function.</summary>
    public static string KindOf(UnaryOp op) => op == UnaryOp.GeluTanh ? "gelu (tanh)" : op.ToString().ToLowerInvariant();

    public override double Flops => Count(Output);

    public override bool Strided => false;

    public override bool MayOverwrite(PlanValue input) => true;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu(ActivationNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _x = CpuSlot.Of(node.X, layout), _y = CpuSlot.Of(node.Output, layout);
        private readonly UnaryOp _op = node.Op;

        public override void Run(float* arena, int images) => Elementwise.Unary(_op, _x.Data(arena), _y.Data(arena), images * _y.Count);
    }

    private sealed class Cuda(ActivationNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
    {
        private readonly CudaSlot _x = CudaSlot.Of(node.X, layout), _y = CudaSlot.Of(node.Output, layout);
        private readonly UnaryOp _op = node.Op;

        public override void Run(in CudaArena arena, int images) =>
            Backend.Elementwise.Unary(DType.F32, _op, _x.In(arena), _y.In(arena), images * _y.Count);
    }
}
