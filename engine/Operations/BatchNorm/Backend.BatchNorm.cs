namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>Mean and biased variance of each column of x [rows, channels].</summary>
    public abstract void BatchStatistics(Tensor x, Tensor mean, Tensor variance);

    /// <summary>running += momentum (batch - running), in place, for the mean and for the variance times <paramref name="correction"/>.</summary>
    public abstract void TrackStatistics(
        Tensor mean, Tensor variance, Tensor runningMean, Tensor runningVariance, double momentum, double correction);

    /// <summary>y = (x - mean) / √(variance + eps) gamma + beta over the columns of x [rows, channels], rectified where
    /// <paramref name="relu"/>.</summary>
    public abstract void BatchNormalise(
        Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, Tensor y);

    /// <summary>The gradient where mean and variance were the batch's own (<paramref name="ownStatistics"/>) or constants; dx may be dy.</summary>
    public abstract void BatchNormBackward(
        Tensor x, Tensor dy, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, bool ownStatistics,
        Tensor dx, Tensor dGamma, Tensor dBeta);
}
