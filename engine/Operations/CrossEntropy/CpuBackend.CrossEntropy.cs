using SoftmaxKernels = EscNative.Kernels.Cpu.Softmax;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void CrossEntropy(Tensor logits, Tensor labels, Tensor losses) =>
        Dispatch(logits, "CrossEntropy", new CrossEntropyJob(logits, labels, losses));

    public override void CrossEntropyBackward(Tensor logits, Tensor labels, Tensor dy, Tensor dx) =>
        Dispatch(logits, "CrossEntropyBackward", new CrossEntropyBackwardJob(logits, labels, dy, dx));

    private readonly struct CrossEntropyJob(Tensor logits, Tensor labels, Tensor losses) : IFloatJob
    {
        void IFloatJob.Run<T>() => SoftmaxKernels.CrossEntropy(
            logits.PointerTo<T>(), labels.PointerTo<int>(), losses.PointerTo<T>(), logits.Shape[0], logits.Shape[1]);
    }

    private readonly struct CrossEntropyBackwardJob(Tensor logits, Tensor labels, Tensor dy, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => SoftmaxKernels.CrossEntropyBackward(
            logits.PointerTo<T>(), labels.PointerTo<int>(), dy.PointerTo<T>(), dx.PointerTo<T>(), logits.Shape[0], logits.Shape[1]);
    }
}
