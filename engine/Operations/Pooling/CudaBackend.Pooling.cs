using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private PoolKernels? _pools;

    public PoolKernels Pools => Once(ref _pools, static b => new PoolKernels(b.Context));

    public override void AveragePool(in WindowShape s, bool countPadding, Tensor x, Tensor y)
    {
        using var call = KernelCall.Begin();
        Pools.Average(FloatType(x, "AveragePool"), s, countPadding, x.Pointer, y.Pointer);
    }

    public override void AveragePoolBackward(in WindowShape s, bool countPadding, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Pools.AverageBackward(FloatType(dx, "AveragePoolBackward"), s, countPadding, dy.Pointer, dx.Pointer);
    }

    public override void AdaptiveAveragePool(in AdaptivePoolShape s, Tensor x, Tensor y)
    {
        using var call = KernelCall.Begin();
        Pools.AdaptiveAverage(FloatType(x, "AdaptiveAveragePool"), s, x.Pointer, y.Pointer);
    }

    public override void AdaptiveAveragePoolBackward(in AdaptivePoolShape s, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Pools.AdaptiveAverageBackward(FloatType(dx, "AdaptiveAveragePoolBackward"), s, dy.Pointer, dx.Pointer);
    }

    public override void MaxPool(in WindowShape s, Tensor x, Tensor y, Tensor index)
    {
        using var call = KernelCall.Begin();
        Pools.Max(FloatType(x, "MaxPool"), s, x.Pointer, y.Pointer, index.Pointer);
    }

    public override void MaxPoolBackward(in WindowShape s, Tensor dy, Tensor index, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Pools.MaxBackward(FloatType(dx, "MaxPoolBackward"), s, dy.Pointer, index.Pointer, dx.Pointer);
    }
}
