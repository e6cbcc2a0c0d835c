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
}
