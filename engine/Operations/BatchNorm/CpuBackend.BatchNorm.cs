using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void BatchStatistics(Tensor x, Tensor mean, Tensor variance) =>
        Dispatch(x, "BatchStatistics", new BatchStatisticsJob(x, mean, variance));

    public override void TrackStatistics(
        Tensor mean, Tensor variance, Tensor runningMean, Tensor runningVariance, double momentum, double correction) =>
        Dispatch(mean, "TrackStatistics", new TrackStatisticsJob(mean, variance, runningMean, runningVariance, momentum, correction));

    public override void BatchNormalise(
        Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, Tensor y) =>
        Dispatch(x, "BatchNormalise", new BatchNormaliseJob(x, mean, variance, gamma, beta, eps, relu, y));

    public override void BatchNormBackward(
        Tensor x, Tensor dy, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, bool ownStatistics,
        Tensor dx, Tensor dGamma, Tensor dBeta) => Dispatch(
            x, "BatchNormBackward", new BatchNormBackwardJob(x, dy, mean, variance, gamma, beta, eps, relu, ownStatistics, dx, dGamma, dBeta));

    private readonly struct BatchStatisticsJob(Tensor x, Tensor mean, Tensor variance) : IFloatJob
    {
        void IFloatJob.Run<T>() => BatchNorm.Statistics(
            x.PointerTo<T>(), mean.PointerTo<T>(), variance.PointerTo<T>(), x.Shape[0], x.Shape[1], Rest<T>(mean), Rest<T>(variance));
    }

    private readonly struct TrackStatisticsJob(
        Tensor mean, Tensor variance, Tensor runningMean, Tensor runningVariance, double momentum, double correction) : IFloatJob
    {
        void IFloatJob.Run<T>() => BatchNorm.Track(
            mean.PointerTo<T>(), variance.PointerTo<T>(), runningMean.PointerTo<T>(), runningVariance.PointerTo<T>(), momentum, correction, mean.Count);
    }

    private readonly struct BatchNormaliseJob(
        Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => BatchNorm.Normalise(
            x.PointerTo<T>(), mean.PointerTo<T>(), variance.PointerTo<T>(), gamma.PointerTo<T>(), beta.PointerTo<T>(), eps, relu,
            y.PointerTo<T>(), x.Shape[0], x.Shape[1], Rest<T>(mean), Rest<T>(variance));
    }

    private readonly struct BatchNormBackwardJob(
        Tensor x, Tensor dy, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, bool ownStatistics,
        Tensor dx, Tensor dGamma, Tensor dBeta) : IFloatJob
    {
        void IFloatJob.Run<T>() => BatchNorm.Backward(
            x.PointerTo<T>(), dy.PointerTo<T>(), mean.PointerTo<T>(), variance.PointerTo<T>(), gamma.PointerTo<T>(), beta.PointerTo<T>(), eps, relu,
            ownStatistics, dx.PointerTo<T>(), dGamma.PointerTo<T>(), dBeta.PointerTo<T>(), x.Shape[0], x.Shape[1], Rest<T>(mean), Rest<T>(variance));
    }
}
