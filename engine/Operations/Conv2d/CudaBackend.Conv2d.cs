using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private ConvForwardKernels? _convForward;
    private ConvGradientKernels? _convGradient;
    private ConvSlicedKernels? _convSliced;

    public ConvForwardKernels ConvForward => Once(ref _convForward, static b => new ConvForwardKernels(b.Context));

    /// <summary>Those with groups of channels or dilations.</summary>
    public ConvSlicedKernels ConvSliced => Once(ref _convSliced, static b => new ConvSlicedKernels(b.Context));

    private ConvGradientKernels ConvGradient => Once(ref _convGradient, static b => new ConvGradientKernels(b.Context));

    public override void Conv2d(in WindowShape s, bool fast, Tensor x, Tensor weight, Tensor? bias, Tensor y)
    {
        using var call = KernelCall.Begin();
        var type = FloatType(x, "Conv2d");
        // Kernels take parameters in the type that they sum in.
        var widens = bias is { DType: DType.BF16 };
        using var wide = new CudaWorkspace(Pool, widens ? bias!.Count * sizeof(float) : 0, "Conv2d");
        if (widens)
            Copies.Convert(DType.BF16, DType.F32, bias!.Pointer, wide.Pointer, bias.Count);
        var addend = widens ? wide.Pointer : Optional(bias);
        if (s.IsPlain)
            ConvForward.Forward(type, s, x.Pointer, weight.Pointer, addend, 0, relu: false, y.Pointer);
        else
            ConvSliced.Forward(type, s, x.Pointer, weight.Pointer, addend, 0, relu: false, y.Pointer);
    }

    public override void Conv2dDataGradient(in WindowShape s, bool fast, Tensor dy, Tensor weight, Tensor dx)
    {
        using var call = KernelCall.Begin();
        var type = FloatType(dx, "Conv2d");
        if (s.IsPlain)
            ConvGradient.Data(type, s, dy.Pointer, weight.Pointer, dx.Pointer);
        else
            ConvSliced.Data(type, s, dy.Pointer, weight.Pointer, dx.Pointer);
    }

    public override void Conv2dWeightGradient(in WindowShape s, Tensor x, Tensor dy, Tensor dWeight)
    {
        using var call = KernelCall.Begin();
        var type = FloatType(x, "Conv2d");
        var bytes = s.IsPlain ? ConvGradientKernels.WeightWorkspaceBytes(type, s) : ConvSlicedKernels.WeightWorkspaceBytes(type, s);
        using var workspace = new CudaWorkspace(Pool, bytes, "Conv2d");
        if (s.IsPlain)
            ConvGradient.Weight(type, s, x.Pointer, dy.Pointer, dWeight.Pointer, workspace.Pointer);
        else
            ConvSliced.Weight(type, s, x.Pointer, dy.Pointer, dWeight.Pointer, workspace.Pointer);
    }
}
