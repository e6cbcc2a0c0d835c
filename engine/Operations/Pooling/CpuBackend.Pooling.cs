using EscNative.Kernels.Cpu;
using AverageKernels = EscNative.Kernels.Cpu.AveragePool;
using MaxKernels = EscNative.Kernels.Cpu.MaxPool;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void AveragePool(in ConvGeometry g, bool countPadding, Tensor x, Tensor y) =>
        Dispatch(x, "AveragePool", new AveragePoolJob(PoolOf(g), countPadding, x, y));

    public override void AveragePoolBackward(in ConvGeometry g, bool countPadding, Tensor dy, Tensor dx) =>
        Dispatch(dx, "AveragePoolBackward", new AveragePoolBackwardJob(PoolOf(g), countPadding, dy, dx));

    public override void MaxPool(in ConvGeometry g, Tensor x, Tensor y, Tensor index) => Dispatch(x, "MaxPool", new MaxPoolJob(PoolOf(g), x, y, index));

    public override void MaxPoolBackward(in ConvGeometry g, Tensor dy, Tensor index, Tensor dx) =>
        Dispatch(dx, "MaxPoolBackward", new MaxPoolBackwardJob(PoolOf(g), dy, index, dx));

    private static PoolShape PoolOf(in ConvGeometry g) => new(
        g.Batch, g.Height, g.Width, g.InChannels, g.KernelHeight, g.KernelWidth, g.StrideHeight, g.StrideWidth, g.PadHeight, g.PadWidth);

    private readonly struct AveragePoolJob(PoolShape shape, bool countPadding, Tensor x, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => AverageKernels.Forward(shape, countPadding, x.PointerTo<T>(), y.PointerTo<T>());
    }

    private readonly struct AveragePoolBackwardJob(PoolShape shape, bool countPadding, Tensor dy, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => AverageKernels.Backward(shape, countPadding, dy.PointerTo<T>(), dx.PointerTo<T>());
    }

    private readonly struct MaxPoolJob(PoolShape shape, Tensor x, Tensor y, Tensor index) : IFloatJob
    {
        void IFloatJob.Run<T>() => MaxKernels.Forward(shape, x.PointerTo<T>(), y.PointerTo<T>(), index.PointerTo<int>());
    }

    private readonly struct MaxPoolBackwardJob(PoolShape shape, Tensor dy, Tensor index, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => MaxKernels.Backward(shape, dy.PointerTo<T>(), index.PointerTo<int>(), dx.PointerTo<T>());
    }
}
