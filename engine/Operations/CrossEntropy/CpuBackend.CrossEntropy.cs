using EscNative.Kernels;
using SoftmaxKernels = EscNative.Kernels.Cpu.Softmax;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void CrossEntropy(Tensor logits, Tensor labels, Tensor losses)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(logits, "CrossEntropy"))
        {
            SoftmaxKernels.CrossEntropy(
                logits.PointerTo<double>(), labels.PointerTo<int>(), losses.PointerTo<double>(),
                logits.Shape[0], logits.Shape[1]);
        }
        else
        {
            SoftmaxKernels.CrossEntropy(
                logits.PointerTo<float>(), labels.PointerTo<int>(), losses.PointerTo<float>(),
                logits.Shape[0], logits.Shape[1]);
        }
    }

    public override void CrossEntropyBackward(Tensor logits, Tensor labels, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(logits, "CrossEntropyBackward"))
        {
            SoftmaxKernels.CrossEntropyBackward(
                logits.PointerTo<double>(), labels.PointerTo<int>(), dy.PointerTo<double>(), dx.PointerTo<double>(),
                logits.Shape[0], logits.Shape[1]);
        }
        else
        {
            SoftmaxKernels.CrossEntropyBackward(
                logits.PointerTo<float>(), labels.PointerTo<int>(), dy.PointerTo<float>(), dx.PointerTo<float>(),
                logits.Shape[0], logits.Shape[1]);
        }
    }
}
