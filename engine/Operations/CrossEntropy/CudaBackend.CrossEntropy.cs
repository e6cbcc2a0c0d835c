using EscNative.Kernels;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    public override void CrossEntropy(Tensor logits, Tensor labels, Tensor losses)
    {
        using var call = KernelCall.Begin();
        SoftmaxFamily.CrossEntropy(
            FloatType(logits, "CrossEntropy"), logits.Pointer, labels.Pointer, losses.Pointer, logits.Shape[0], logits.Shape[1]);
        losses.Storage.MarkWritten();
    }

    public override void CrossEntropyBackward(Tensor logits, Tensor labels, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        SoftmaxFamily.CrossEntropyBackward(
            FloatType(logits, "CrossEntropyBackward"), logits.Pointer, labels.Pointer, dy.Pointer, dx.Pointer, logits.Shape[0], logits.Shape[1]);
    }
}
