using EscNative.Kernels;

namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>y[o, i] = the fold of x[o, :, i]; x holds outer x extent x inner values.</summary>
    public abstract void Reduce(ReduceOp op, Tensor x, Tensor y, long outer, long extent, long inner);

    /// <summary>index[o, i] (I32) = where x[o, :, i] is largest; the first of equals, the first NaN if there is one.</summary>
    public abstract void ArgMax(Tensor x, Tensor index, long outer, long extent, long inner);

    /// <summary>dx = 0, except dx[o, index[o, i], i] = dy[o, i].</summary>
    public abstract void Scatter(Tensor dy, Tensor index, Tensor dx, long outer, long extent, long inner);
}
