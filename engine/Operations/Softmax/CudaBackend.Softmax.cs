using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private SoftmaxKernels? _softmax;

    public SoftmaxKernels SoftmaxFamily => Once(ref _softmax, static b => new SoftmaxKernels(b.Context));

    public override void Softmax(Tensor x, Tensor y, long rows, long d, bool log)
    {
        using var call = KernelCall.Begin();
        SoftmaxFamily.Forward(FloatType(x, "Softmax"), x.Pointer, y.Pointer, rows, d, log);
    }

    public override void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, long rows, long d, bool log)
    {
        using var call = KernelCall.Begin();
        SoftmaxFamily.Backward(FloatType(dx, "SoftmaxBackward"), y.Pointer, dy.Pointer, dx.Pointer, rows, d, log);
    }
}
