using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void ScaledDotProductAttention(Tensor q, Tensor k, Tensor v, int heads, Tensor y)
    {
        using var scope = Tensor.Scope();
        var wide = Widened(y, values: false);
        Dispatch(wide, "ScaledDotProductAttention", new AttentionJob(Widened(q), Widened(k), Widened(v), heads, wide));
        Round(wide, y);
    }

    public override void ScaledDotProductAttentionBackward(
        Tensor q, Tensor k, Tensor v, int heads, Tensor dy, Tensor dq, Tensor dk, Tensor dv)
    {
        using var scope = Tensor.Scope();
        var (wideQ, wideK, wideV) = (Widened(dq, values: false), Widened(dk, values: false), Widened(dv, values: false));
        Dispatch(
            wideQ, "ScaledDotProductAttentionBackward",
            new AttentionBackwardJob(Widened(q), Widened(k), Widened(v), heads, Widened(dy), wideQ, wideK, wideV));
        Round(wideQ, dq);
        Round(wideK, dk);
        Round(wideV, dv);
    }

    private readonly struct AttentionJob(Tensor q, Tensor k, Tensor v, int heads, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => Attention.Forward(
            q.Shape[0], q.Shape[1], k.Shape[1], q.Shape[2], heads, q.PointerTo<T>(), k.PointerTo<T>(), v.PointerTo<T>(), y.PointerTo<T>());
    }

    private readonly struct AttentionBackwardJob(
        Tensor q, Tensor k, Tensor v, int heads, Tensor dy, Tensor dq, Tensor dk, Tensor dv) : IFloatJob
    {
        void IFloatJob.Run<T>() => Attention.Backward(
            q.Shape[0], q.Shape[1], k.Shape[1], q.Shape[2], heads, q.PointerTo<T>(), k.PointerTo<T>(), v.PointerTo<T>(), dy.PointerTo<T>(),
            dq.PointerTo<T>(), dk.PointerTo<T>(), dv.PointerTo<T>());
    }
}
