namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>y = softmax(q kᵀ / √(d / heads)) v head by head, of q [n, t, d], k and v [n, s, d]; no extent is 0.</summary>
    public abstract void ScaledDotProductAttention(Tensor q, Tensor k, Tensor v, int heads, Tensor y);

    public abstract void ScaledDotProductAttentionBackward(
        Tensor q, Tensor k, Tensor v, int heads, Tensor dy, Tensor dq, Tensor dk, Tensor dv);
}
