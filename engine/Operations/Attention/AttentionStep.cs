using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>Attention.</summary>
internal sealed unsafe class AttentionStep(AttentionNode node, ArenaLayout layout) : CpuStep
{
    private readonly Slot _q = Slot.Of(node.Q, layout), _k = Slot.Of(node.K, layout), _v = Slot.Of(node.V, layout), _y = Slot.Of(node.Output, layout);
    private readonly int _heads = node.Heads;

    public override void Run(float* arena, int images) => Attention.Forward(
        images, _q.Height, _k.Height, _q.Channels, _heads, _q.Data(arena), _k.Data(arena), _v.Data(arena), _y.Data(arena));
}
