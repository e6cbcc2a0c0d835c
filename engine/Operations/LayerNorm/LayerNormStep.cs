using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>Layer normalisation.</summary>
internal sealed unsafe class LayerNormStep : CpuStep
{
    private readonly Slot _x, _y;
    private readonly double _eps;
    private readonly NativeFloats _weight, _bias;

    public LayerNormStep(LayerNormNode node, ArenaLayout layout)
    {
        (_x, _y, _eps) = (Slot.Of(node.X, layout), Slot.Of(node.Output, layout), node.Eps);
        (_weight, _bias) = (Own(new NativeFloats(node.Weight)), Own(new NativeFloats(node.Bias)));
    }

    public override void Run(float* arena, int images)
    {
        var rows = (long)images * _x.Height * _x.Width;
        // The backward pass alone wants the statistics.
        var statistics = CpuScratch.Get<float>(CpuScratch.Slot.PlanStatistics, 2 * rows);
        LayerNorm.Forward(_x.Data(arena), _weight.Data, _bias.Data, _eps, _y.Data(arena), statistics, statistics + rows, rows, _x.Channels);
    }
}
