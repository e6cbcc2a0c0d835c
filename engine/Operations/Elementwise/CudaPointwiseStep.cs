namespace EscNative.Engine.Plans;

/// <summary>f(x scale + shift + residual).</summary>
internal sealed class CudaPointwiseStep : CudaStep
{
    private readonly CudaSlot _x, _y;
    private readonly CudaSlot? _residual;
    private readonly bool _relu;
    private readonly CudaConstant? _scale, _shift;

    public CudaPointwiseStep(PointwiseNode node, ArenaLayout layout, CudaBackend backend)
        : base(backend)
    {
        (_x, _y, _relu) = (CudaSlot.Of(node.X, layout), CudaSlot.Of(node.Output, layout), node.Relu);
        _residual = node.Residual is null ? null : CudaSlot.Of(node.Residual, layout);
        if (node.Scale is null && node.Shift is null)
            return;
        // The kernel takes both or none.
        _scale = Own(node.Scale is null ? [.. Enumerable.Repeat(1f, _y.Channels)] : Array.ConvertAll(node.Scale, s => (float)s));
        _shift = Own(node.Shift is null ? new float[_y.Channels] : Array.ConvertAll(node.Shift, s => (float)s));
    }

    public override void Run(in CudaArena arena, int images) => Backend.Images.Pointwise(
        DType.F32, _x.In(arena), Address(_scale), Address(_shift), _residual?.In(arena) ?? 0, _relu, _y.In(arena), images * _y.Count, _y.Channels);
}
