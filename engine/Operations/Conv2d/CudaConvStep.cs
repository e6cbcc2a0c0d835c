using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>A convolution with its epilogue.</summary>
internal sealed class CudaConvStep : CudaStep
{
    private readonly WindowShape _shape;
    private readonly CudaSlot _x, _y;
    private readonly CudaSlot? _residual;
    private readonly bool _relu;
    private readonly CudaConstant? _weight, _bias;

    public CudaConvStep(ConvNode node, ArenaLayout layout, CudaBackend backend)
        : base(backend)
    {
        var (weight, x, pad) = (node.Weight, node.X, node.Padding);
        _shape = WindowShape.Of(
            (0, x.Height, x.Width, x.Channels), weight.Outputs, (weight.KernelHeight, weight.KernelWidth), (node.Stride, node.Stride), (pad, pad));
        (_x, _y) = (CudaSlot.Of(x, layout), CudaSlot.Of(node.Output, layout));
        _residual = node.Residual is null ? null : CudaSlot.Of(node.Residual, layout);
        _relu = node.Relu;
        (_weight, _bias) = (Own(weight.Values()), Own(weight.Bias()));
    }

    public override string Algorithm => "implicit gemm";

    public override void Run(in CudaArena arena, int images) => Backend.ConvForward.Forward(
        DType.F32, _shape with { Batch = images }, _x.In(arena), Address(_weight), Address(_bias), _residual?.In(arena) ?? 0, _relu, _y.In(arena));
}
