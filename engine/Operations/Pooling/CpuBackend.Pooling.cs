using EscNative.Kernels;
using AdaptiveKernels = EscNative.Kernels.Cpu.AdaptiveAveragePool;
using AverageKernels = EscNative.Kernels.Cpu.AveragePool;
using MaxKernels = EscNative.Kernels.Cpu.MaxPool;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void AveragePool(in WindowShape s, bool countPadding, Tensor x, Tensor y) =>
        Dispatch(x, "AveragePool", new AveragePoolJob(s, countPadding, x, y));

    public override void AveragePoolBackward(in WindowShape s, bool countPadding, Tensor dy, Tensor dx) =>
        Dispatch(dx, "AveragePoolBackward", new AveragePoolBackwardJob(s, countPadding, dy, dx));

    public override void AdaptiveAveragePool(in AdaptivePoolShape s, Tensor x, Tensor y) =>
        Dispatch(x, "AdaptiveAveragePool", new AdaptiveAveragePoolJob(s, x, y));

    public override void AdaptiveAveragePoolBackward(in AdaptivePoolShape s, Tensor dy, Tensor dx) =>
        Dispatch(dx, "AdaptiveAveragePoolBackward", new AdaptiveAveragePoolBackwardJob(s, dy, dx));

    public override void MaxPool(in WindowShape s, Tensor x, Tensor y, Tensor index) => Dispatch(x, "MaxPool", new MaxPoolJob(s, x, y, index));

    public override void MaxPoolBackward(in WindowShape s, Tensor dy, Tensor index, Tensor dx) =>
        Dispatch(dx, "MaxPoolBackward", new MaxPoolBackwardJob(s, dy, index, dx));

    private readonly struct AveragePoolJob(WindowShape shape, bool countPadding, Tensor x, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => AverageKernels.Forward(shape, countPadding, x.PointerTo<T>(), y.PointerTo<T>());
    }

    private readonly struct AveragePoolBackwardJob(WindowShape shape, bool countPadding, Tensor dy, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => AverageKernels.Backward(shape, countPadding, dy.PointerTo<T>(), dx.PointerTo<T>());
    }

    private readonly struct AdaptiveAveragePoolJob(AdaptivePoolShape shape, Tensor x, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => AdaptiveKernels.Forward(shape, x.PointerTo<T>(), y.PointerTo<T>());
    }

    private readonly struct AdaptiveAveragePoolBackwardJob(AdaptivePoolShape shape, Tensor dy, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => AdaptiveKernels.Backward(shape, dy.PointerTo<T>(), dx.PointerTo<T>());
    }

    private readonly struct MaxPoolJob(WindowShape shape, Tensor x, Tensor y, Tensor index) : IFloatJob
    {
        void IFloatJob.Run<T>() => MaxKernels.Forward(shape, x.PointerTo<T>(), y.PointerTo<T>(), index.PointerTo<int>());
    }

    private readonly struct MaxPoolBackwardJob(WindowShape shape, Tensor dy, Tensor index, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => MaxKernels.Backward(shape, dy.PointerTo<T>(), index.PointerTo<int>(), dx.PointerTo<T>());
    }
}
