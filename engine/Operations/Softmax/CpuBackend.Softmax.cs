using EscNative.Kernels;
using SoftmaxKernels = EscNative.Kernels.Cpu.Softmax;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Softmax(Tensor x, Tensor y, long rows, long d, bool log)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "Softmax"))
            SoftmaxKernels.Forward(x.PointerTo<double>(), y.PointerTo<double>(), rows, d, log);
        else
            SoftmaxKernels.Forward(x.PointerTo<float>(), y.PointerTo<float>(), rows, d, log);
    }

    public override void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, long rows, long d, bool log)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "SoftmaxBackward"))
            SoftmaxKernels.Backward(y.PointerTo<double>(), dy.PointerTo<double>(), dx.PointerTo<double>(), rows, d, log);
        else
            SoftmaxKernels.Backward(y.PointerTo<float>(), dy.PointerTo<float>(), dx.PointerTo<float>(), rows, d, log);
    }

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
