namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>y = (x - mean) rstd gamma + beta over rows of x [rows, d]; mean and rstd [rows] are kept for the way back.</summary>
    public abstract void LayerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd);

    public abstract void LayerNormBackward(
        Tensor x, Tensor dy, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dGamma, Tensor dBeta);
}
