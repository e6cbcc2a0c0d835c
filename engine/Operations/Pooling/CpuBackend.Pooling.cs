using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using AverageKernels = EscNative.Kernels.Cpu.AveragePool;
using MaxKernels = EscNative.Kernels.Cpu.MaxPool;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void AveragePool(in WindowShape s, bool countPadding, Tensor x, Tensor y)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "AveragePool"))
            AverageKernels.Forward(s, countPadding, x.PointerTo<double>(), y.PointerTo<double>());
        else
            AverageKernels.Forward(s, countPadding, x.PointerTo<float>(), y.PointerTo<float>());
    }

    public override void AveragePoolBackward(in WindowShape s, bool countPadding, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "AveragePoolBackward"))
            AverageKernels.Backward(s, countPadding, dy.PointerTo<double>(), dx.PointerTo<double>());
        else
            AverageKernels.Backward(s, countPadding, dy.PointerTo<float>(), dx.PointerTo<float>());
    }

    public override void MaxPool(in WindowShape s, Tensor x, Tensor y, Tensor index)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "MaxPool"))
            MaxKernels.Forward(s, x.PointerTo<double>(), y.PointerTo<double>(), index.PointerTo<int>());
        else
            MaxKernels.Forward(s, x.PointerTo<float>(), y.PointerTo<float>(), index.PointerTo<int>());
    }

    public override void MaxPoolBackward(in WindowShape s, Tensor dy, Tensor index, Tensor dx)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "MaxPoolBackward"))
            MaxKernels.Backward(s, dy.PointerTo<double>(), index.PointerTo<int>(), dx.PointerTo<double>());
        else
            MaxKernels.Backward(s, dy.PointerTo<float>(), index.PointerTo<int>(), dx.PointerTo<float>());
    }
}
