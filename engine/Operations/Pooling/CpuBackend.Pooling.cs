using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using AverageKernels = EscNative.Kernels.Cpu.AveragePool;
using MaxKernels = EscNative.Kernels.Cpu.MaxPool;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void AveragePool(in ConvGeometry g, bool countPadding, Tensor x, Tensor y)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "AveragePool"))
            AverageKernels.Forward(PoolOf(g), countPadding, x.PointerTo<double>(), y.PointerTo<double>());
        else
            AverageKernels.Forward(PoolOf(g), countPadding, x.PointerTo<float>(), y.PointerTo<float>());
    }

    public override void AveragePoolBackward(in ConvGeometry g, bool countPadding, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "AveragePoolBackward"))
            AverageKernels.Backward(PoolOf(g), countPadding, dy.PointerTo<double>(), dx.PointerTo<double>());
        else
            AverageKernels.Backward(PoolOf(g), countPadding, dy.PointerTo<float>(), dx.PointerTo<float>());
    }

    public override void MaxPool(in ConvGeometry g, Tensor x, Tensor y, Tensor index)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "MaxPool"))
            MaxKernels.Forward(PoolOf(g), x.PointerTo<double>(), y.PointerTo<double>(), index.PointerTo<int>());
        else
            MaxKernels.Forward(PoolOf(g), x.PointerTo<float>(), y.PointerTo<float>(), index.PointerTo<int>());
    }

    public override void MaxPoolBackward(in ConvGeometry g, Tensor dy, Tensor index, Tensor dx)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "MaxPoolBackward"))
            MaxKernels.Backward(PoolOf(g), dy.PointerTo<double>(), index.PointerTo<int>(), dx.PointerTo<double>());
        else
            MaxKernels.Backward(PoolOf(g), dy.PointerTo<float>(), index.PointerTo<int>(), dx.PointerTo<float>());
    }

    private static PoolShape PoolOf(in ConvGeometry g) => new(
        g.Batch, g.Height, g.Width, g.InChannels, g.KernelHeight, g.KernelWidth, g.StrideHeight, g.StrideWidth, g.PadHeight, g.PadWidth);
}
