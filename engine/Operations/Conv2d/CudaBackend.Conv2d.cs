using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private ConvForwardKernels? _convForward;
    private ConvGradientKernels? _convGradient;

    public ConvForwardKernels ConvForward => Once(ref _convForward, static b => new ConvForwardKernels(b.Context));

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
        ConvForward.Forward(type, s, x.Pointer, weight.Pointer, widens ? wide.Pointer : Optional(bias), 0, relu: false, y.Pointer);
    }

    public override void Conv2dDataGradient(in WindowShape s, bool fast, Tensor dy, Tensor weight, Tensor dx)
    {
        using var call = KernelCall.Begin();
        ConvGradient.Data(FloatType(dx, "Conv2d"), s, dy.Pointer, weight.Pointer, dx.Pointer);
    }

    public override void Conv2dWeightGradient(in WindowShape s, Tensor x, Tensor dy, Tensor dWeight)
    {
        using var call = KernelCall.Begin();
        var type = FloatType(x, "Conv2d");
        using var workspace = new CudaWorkspace(Pool, ConvGradientKernels.WeightWorkspaceBytes(type, s), "Conv2d");
        ConvGradient.Weight(type, s, x.Pointer, dy.Pointer, dWeight.Pointer, workspace.Pointer);
    }
}
