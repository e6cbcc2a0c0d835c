using LayerNormKernels = EscNative.Kernels.Cpu.LayerNorm;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) =>
        Dispatch(x, "LayerNorm", new LayerNormJob(x, gamma, beta, eps, y, mean, rstd));

    public override void LayerNormBackward(
        Tensor x, Tensor dy, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dGamma, Tensor dBeta) =>
        Dispatch(x, "LayerNormBackward", new LayerNormBackwardJob(x, dy, gamma, mean, rstd, dx, dGamma, dBeta));

    private readonly struct LayerNormJob(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) : IFloatJob
    {
        void IFloatJob.Run<T>() => LayerNormKernels.Forward(
            x.PointerTo<T>(), gamma.PointerTo<T>(), beta.PointerTo<T>(), eps, y.PointerTo<T>(), mean.PointerTo<T>(), rstd.PointerTo<T>(),
            x.Shape[0], x.Shape[1], Rest<T>(mean));
    }

    private readonly struct LayerNormBackwardJob(
        Tensor x, Tensor dy, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dGamma, Tensor dBeta) : IFloatJob
    {
        void IFloatJob.Run<T>() => LayerNormKernels.Backward(
            x.PointerTo<T>(), dy.PointerTo<T>(), gamma.PointerTo<T>(), mean.PointerTo<T>(), rstd.PointerTo<T>(), dx.PointerTo<T>(),
            dGamma.PointerTo<T>(), dBeta.PointerTo<T>(), x.Shape[0], x.Shape[1], Rest<T>(mean));
    }
}
