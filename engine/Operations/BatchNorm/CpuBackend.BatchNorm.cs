using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void BatchStatistics(Tensor x, Tensor mean, Tensor variance)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "BatchStatistics"))
            BatchNorm.Statistics(x.PointerTo<double>(), mean.PointerTo<double>(), variance.PointerTo<double>(), x.Shape[0], x.Shape[1], Rest<double>(mean), Rest<double>(variance));
        else
            BatchNorm.Statistics(x.PointerTo<float>(), mean.PointerTo<float>(), variance.PointerTo<float>(), x.Shape[0], x.Shape[1], Rest<float>(mean), Rest<float>(variance));
    }

    public override void TrackStatistics(
        Tensor mean, Tensor variance, Tensor runningMean, Tensor runningVariance, double momentum, double correction)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(mean, "TrackStatistics"))
        {
            BatchNorm.Track(
                mean.PointerTo<double>(), variance.PointerTo<double>(), runningMean.PointerTo<double>(), runningVariance.PointerTo<double>(),
                momentum, correction, mean.Count);
        }
        else
        {
            BatchNorm.Track(
                mean.PointerTo<float>(), variance.PointerTo<float>(), runningMean.PointerTo<float>(), runningVariance.PointerTo<float>(),
                momentum, correction, mean.Count);
        }
    }

    public override void BatchNormalise(
        Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, Tensor y)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "BatchNormalise"))
        {
            BatchNorm.Normalise(
                x.PointerTo<double>(), mean.PointerTo<double>(), variance.PointerTo<double>(), gamma.PointerTo<double>(), beta.PointerTo<double>(), eps, relu,
                y.PointerTo<double>(), x.Shape[0], x.Shape[1], Rest<double>(mean), Rest<double>(variance));
        }
        else
        {
            BatchNorm.Normalise(
                x.PointerTo<float>(), mean.PointerTo<float>(), variance.PointerTo<float>(), gamma.PointerTo<float>(), beta.PointerTo<float>(), eps, relu,
                y.PointerTo<float>(), x.Shape[0], x.Shape[1], Rest<float>(mean), Rest<float>(variance));
        }
    }

    public override void BatchNormBackward(
        Tensor x, Tensor dy, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, bool ownStatistics,
        Tensor dx, Tensor dGamma, Tensor dBeta)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, "BatchNormBackward"))
        {
            BatchNorm.Backward(
                x.PointerTo<double>(), dy.PointerTo<double>(), mean.PointerTo<double>(), variance.PointerTo<double>(), gamma.PointerTo<double>(),
                beta.PointerTo<double>(), eps, relu, ownStatistics, dx.PointerTo<double>(), dGamma.PointerTo<double>(), dBeta.PointerTo<double>(), x.Shape[0], x.Shape[1],
                Rest<double>(mean), Rest<double>(variance));
        }
        else
        {
            BatchNorm.Backward(
                x.PointerTo<float>(), dy.PointerTo<float>(), mean.PointerTo<float>(), variance.PointerTo<float>(), gamma.PointerTo<float>(),
                beta.PointerTo<float>(), eps, relu, ownStatistics, dx.PointerTo<float>(), dGamma.PointerTo<float>(), dBeta.PointerTo<float>(), x.Shape[0], x.Shape[1],
                Rest<float>(mean), Rest<float>(variance));
        }
    }
}
