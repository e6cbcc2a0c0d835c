namespace EscNative.Engine.Plans;

/// <summary>Layer normalisation.</summary>
internal sealed class CudaLayerNormStep : CudaStep
{
    private readonly CudaSlot _x, _y;
    private readonly double _eps;
    private readonly CudaConstant? _weight, _bias;

    public CudaLayerNormStep(LayerNormNode node, ArenaLayout layout, CudaBackend backend)
        : base(backend)
    {
        (_x, _y, _eps) = (CudaSlot.Of(node.X, layout), CudaSlot.Of(node.Output, layout), node.Eps);
        (_weight, _bias) = (Own(node.Weight), Own(node.Bias));
    }

    // The backward pass alone wants the statistics.
    public override void Run(in CudaArena arena, int images) => Backend.LayerNorms.Forward(
        DType.F32, _x.In(arena), Address(_weight), Address(_bias), _eps, _y.In(arena), 0, 0, (long)images * _x.Height * _x.Width, _x.Channels);
}
