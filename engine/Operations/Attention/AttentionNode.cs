using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine.Plans;

/// <summary>softmax(q kᵀ / √(d / heads)) v for each head of each image; the operands may be columns of wider values.</summary>
/// <param name="name">The module that it comes from.</param>
/// <param name="q">Where the queries stand.</param>
/// <param name="k">Where the keys stand.</param>
/// <param name="v">Where the values stand.</param>
/// <param name="width">d.</param>
/// <param name="heads">How many heads.</param>
internal sealed class AttentionNode(
    string name, AttentionNode.Operand q, AttentionNode.Operand k, AttentionNode.Operand v, int width, int heads) : PlanNode(name)
{
    public Operand Q { get; } = q;

    public Operand K { get; } = k;

    public Operand V { get; } = v;

    public int Width { get; } = width;

    public int Heads { get; } = heads;

    public override IEnumerable<PlanValue> Inputs => new[] { Q.Value, K.Value, V.Value }.Distinct();

    public override string Kind => $"attention, {Heads} head{(Heads == 1 ? "" : "s")}";

    // Two products, and scale, maximum, exponential, sum and division of the scores.
    public override double Flops => (4.0 * Q.Value.Height * K.Value.Height * Width) + (5.0 * Heads * Q.Value.Height * K.Value.Height);

    public override bool Strided => false;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    /// <summary>d columns of a value, from one of them.</summary>
    internal readonly record struct Operand(PlanValue Value, int Column)
    {
        /// <summary>A value, or where it is a slice of columns, those of what it is a slice of.</summary>
        public static Operand Of(PlanValue x) => x.Producer is SliceNode { Axis: 1 } slice ? new(slice.X, slice.Start) : new(x, 0);
    }

    private sealed unsafe class Cpu(AttentionNode node, ArenaLayout layout) : CpuStep
    {
        private readonly CpuSlot _q = CpuSlot.Of(node.Q.Value, layout), _k = CpuSlot.Of(node.K.Value, layout), _v = CpuSlot.Of(node.V.Value, layout);
        private readonly CpuSlot _y = CpuSlot.Of(node.Output, layout);
        private readonly (int Q, int K, int V) _column = (node.Q.Column, node.K.Column, node.V.Column);
        private readonly int _heads = node.Heads;

        public override void Run(float* arena, int images) => Attention.Forward(
            images, _q.Height, _k.Height, _y.Channels, _heads, _q.Data(arena) + _column.Q, _q.Channels, _k.Data(arena) + _column.K, _k.Channels,
            _v.Data(arena) + _column.V, _v.Channels, _y.Data(arena));
    }

    private sealed class Cuda(AttentionNode node, ArenaLayout layout, CudaBackend backend) : CudaStep(backend)
    {
        private readonly CudaSlot _q = CudaSlot.Of(node.Q.Value, layout), _k = CudaSlot.Of(node.K.Value, layout), _v = CudaSlot.Of(node.V.Value, layout);
        private readonly CudaSlot _y = CudaSlot.Of(node.Output, layout);
        private readonly (int Q, int K, int V) _column = (sizeof(float) * node.Q.Column, sizeof(float) * node.K.Column, sizeof(float) * node.V.Column);
        private readonly int _heads = node.Heads;

        public override long WorkspaceBytes(int images) => CudaAttention.WorkspaceBytes(DType.F32, images, _q.Height, _k.Height, _heads);

        public override void Run(in CudaArena arena, int images) => Backend.Attention.Forward(
            DType.F32, images, _q.Height, _k.Height, _y.Channels, _heads, _q.In(arena) + _column.Q, _q.Channels, _k.In(arena) + _column.K, _k.Channels,
            _v.In(arena) + _column.V, _v.Channels, _y.In(arena), arena.Workspace);
    }
}
