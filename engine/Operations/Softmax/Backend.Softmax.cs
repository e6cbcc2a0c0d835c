namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>Softmax, or its logarithm, of each row of x [rows, d].</summary>
    public abstract void Softmax(Tensor x, Tensor y, long rows, long d, bool log);

    /// <summary>dx from the result y and dy.</summary>
    public abstract void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, long rows, long d, bool log);
}
