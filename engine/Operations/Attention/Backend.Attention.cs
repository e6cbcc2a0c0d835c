namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>y = softmax(q kᵀ / √(d / heads)) v head by head, of q [n, t, d], k and v [n, s, d]; no extent is 0.</summary>
    public abstract void ScaledDotProductAttention(Tensor q, Tensor k, Tensor v, int heads, Tensor y);

    public abstract void ScaledDotProductAttentionBackward(
        Tensor q, Tensor k, Tensor v, int heads, Tensor dy, Tensor dq, Tensor dk, Tensor dv);

    // BF16 is how values are stored: they are computed with in F32, and rounded once. Shares of 8 bits would lose what a score of 40 means.
    private protected Tensor Widened(Tensor x, bool values = true)
    {
        if (x.DType != DType.BF16)
            return x;
        var wide = Tensor.Allocate(x.Device, DType.F32, x.Shape, "ScaledDotProductAttention");
        if (values)
            Convert(x, wide);
        return wide;
    }

    private protected void Round(Tensor wide, Tensor y)
    {
        if (wide != y)
            Convert(wide, y);
    }
}
