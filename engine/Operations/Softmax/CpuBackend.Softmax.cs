using SoftmaxKernels = EscNative.Kernels.Cpu.Softmax;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Softmax(Tensor x, Tensor y, long rows, long d, bool log) => Dispatch(x, "Softmax", new SoftmaxJob(x, y, rows, d, log));

    public override void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, long rows, long d, bool log) =>
        Dispatch(dx, "SoftmaxBackward", new SoftmaxBackwardJob(y, dy, dx, rows, d, log));

    private readonly struct SoftmaxJob(Tensor x, Tensor y, long rows, long d, bool log) : IFloatJob
    {
        void IFloatJob.Run<T>() => SoftmaxKernels.Forward(x.PointerTo<T>(), y.PointerTo<T>(), rows, d, log);
    }

    private readonly struct SoftmaxBackwardJob(Tensor y, Tensor dy, Tensor dx, long rows, long d, bool log) : IFloatJob
    {
        void IFloatJob.Run<T>() => SoftmaxKernels.Backward(y.PointerTo<T>(), dy.PointerTo<T>(), dx.PointerTo<T>(), rows, d, log);
    }
}
