using EscNative.Kernels;
using LayerNormKernels = EscNative.Kernels.Cpu.LayerNorm;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "LayerNorm"))
        {
            LayerNormKernels.Forward(
                x.PointerTo<double>(), gamma.PointerTo<double>(), beta.PointerTo<double>(), eps, y.PointerTo<double>(), mean.PointerTo<double>(), rstd.PointerTo<double>(),
                x.Shape[0], x.Shape[1], Rest<double>(mean));
        }
        else
        {
            LayerNormKernels.Forward(
                x.PointerTo<float>(), gamma.PointerTo<float>(), beta.PointerTo<float>(), eps, y.PointerTo<float>(), mean.PointerTo<float>(), rstd.PointerTo<float>(),
                x.Shape[0], x.Shape[1], Rest<float>(mean));
        }
    }

    public override void LayerNormBackward(
        Tensor x, Tensor dy, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dGamma, Tensor dBeta)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "LayerNormBackward"))
        {
            LayerNormKernels.Backward(
                x.PointerTo<double>(), dy.PointerTo<double>(), gamma.PointerTo<double>(), mean.PointerTo<double>(), rstd.PointerTo<double>(), dx.PointerTo<double>(),
                dGamma.PointerTo<double>(), dBeta.PointerTo<double>(), x.Shape[0], x.Shape[1], Rest<double>(mean));
        }
        else
        {
            LayerNormKernels.Backward(
                x.PointerTo<float>(), dy.PointerTo<float>(), gamma.PointerTo<float>(), mean.PointerTo<float>(), rstd.PointerTo<float>(), dx.PointerTo<float>(),
                dGamma.PointerTo<float>(), dBeta.PointerTo<float>(), x.Shape[0], x.Shape[1], Rest<float>(mean));
        }
    }
}
