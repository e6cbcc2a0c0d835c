using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine.Plans;

/// <summary>softmax(q kᵀ / √(d / heads)) v for each head of each image.</summary>
internal sealed class AttentionNode(string name, PlanValue q, PlanValue k, PlanValue v, int heads) : PlanNode(name)
{
    public PlanValue Q { get; } = q;

    public PlanValue K { get; } = k;

    public PlanValue V { get; } = v;

    public int Heads { get; } = heads;

    public override IEnumerable<PlanValue> Inputs => [Q, K, V];

    public override string Kind => $"attention, {Heads} head{(Heads == 1 ? "" : "s")}";

    // Two products, and scale, maximum, exponential, sum and division of the scores.
    public override double Flops => (4.0 * Q.Height * K.Height * Q.Channels) + (5.0 * Heads * Q.Height * K.Height);

    public override bool Strided => false;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private sealed unsafe class Cpu(AttentionNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _q = CpuSlot.Of(node.Q, layout), _k = CpuSlot.Of(node.K, layout), _v = CpuSlot.Of(node.V, layout), _y = CpuSlot.Of(node.Output, layout);
        private readonly int _heads = node.Heads;

        public override void Run(float* arena, int images) => Attention.Forward(
            images, _q.Height, _k.Height, _q.Channels, _heads, _q.Data(arena), _k.Data(arena), _v.Data(arena), _y.Data(arena));
    }

    private sealed class Cuda(AttentionNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
    {
        private readonly CudaSlot _q = CudaSlot.Of(node.Q, layout), _k = CudaSlot.Of(node.K, layout), _v = CudaSlot.Of(node.V, layout);
        private readonly CudaSlot _y = CudaSlot.Of(node.Output, layout);
        private readonly int _heads = node.Heads;

        public override long WorkspaceBytes(int images) => CudaAttention.WorkspaceBytes(DType.F32, images, _q.Height, _k.Height, _heads);

        public override void Run(in CudaArena arena, int images) => Backend.Attention.Forward(
            DType.F32, images, _q.Height, _k.Height, _q.Channels, _heads, _q.In(arena), _k.In(arena), _v.In(arena), _y.In(arena), arena.Workspace);
    }
}
