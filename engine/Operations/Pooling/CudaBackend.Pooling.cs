using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private PoolKernels? _pools;

    public PoolKernels Pools => Once(ref _pools, static b => new PoolKernels(b.Context));

    public override void AveragePool(in ConvGeometry g, bool countPadding, Tensor x, Tensor y)
    {
        using var call = KernelCall.Begin();
        Pools.Average(FloatType(x, "AveragePool"), WindowOf(g), countPadding, x.Pointer, y.Pointer, g.Batch);
    }

    public override void AveragePoolBackward(in ConvGeometry g, bool countPadding, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Pools.AverageBackward(FloatType(dx, "AveragePoolBackward"), WindowOf(g), countPadding, dy.Pointer, dx.Pointer, g.Batch);
    }

    public override void MaxPool(in ConvGeometry g, Tensor x, Tensor y, Tensor index)
    {
        using var call = KernelCall.Begin();
        Pools.Max(FloatType(x, "MaxPool"), WindowOf(g), x.Pointer, y.Pointer, index.Pointer, g.Batch);
    }

    public override void MaxPoolBackward(in ConvGeometry g, Tensor dy, Tensor index, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Pools.MaxBackward(FloatType(dx, "MaxPoolBackward"), WindowOf(g), dy.Pointer, index.Pointer, dx.Pointer, g.Batch);
    }

    private static PoolWindow WindowOf(in ConvGeometry g) => new(
        g.Height, g.Width, g.InChannels, g.OutHeight, g.OutWidth, g.KernelHeight, g.KernelWidth, g.StrideHeight, g.StrideWidth, g.PadHeight, g.PadWidth);
}
