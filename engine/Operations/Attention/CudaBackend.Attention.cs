using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private CudaAttention? _attention;

    public CudaAttention Attention => Once(ref _attention, static b => new CudaAttention(b.Gemm, b.SoftmaxFamily));

    public override void ScaledDotProductAttention(Tensor q, Tensor k, Tensor v, int heads, Tensor y)
    {
        using var scope = Tensor.Scope();
        var wide = Widened(y, values: false);
        Forward(Widened(q), Widened(k), Widened(v), heads, wide);
        Round(wide, y);
    }

    public override void ScaledDotProductAttentionBackward(
        Tensor q, Tensor k, Tensor v, int heads, Tensor dy, Tensor dq, Tensor dk, Tensor dv)
    {
        using var scope = Tensor.Scope();
        var (wideQ, wideK, wideV) = (Widened(dq, values: false), Widened(dk, values: false), Widened(dv, values: false));
        Backward(Widened(q), Widened(k), Widened(v), heads, Widened(dy), wideQ, wideK, wideV);
        Round(wideQ, dq);
        Round(wideK, dk);
        Round(wideV, dv);
    }

    private void Forward(Tensor q, Tensor k, Tensor v, int heads, Tensor y)
    {
        using var call = KernelCall.Begin();
        var (type, images, queries, keys, width) = (FloatType(y, "ScaledDotProductAttention"), q.Shape[0], q.Shape[1], k.Shape[1], q.Shape[2]);
        using var workspace = new CudaWorkspace(
            Pool, CudaAttention.WorkspaceBytes(type, images, queries, keys, heads), "ScaledDotProductAttention");
        Attention.Forward(type, images, queries, keys, width, heads, q.Pointer, k.Pointer, v.Pointer, y.Pointer, workspace.Pointer);
    }

    private void Backward(Tensor q, Tensor k, Tensor v, int heads, Tensor dy, Tensor dq, Tensor dk, Tensor dv)
    {
        using var call = KernelCall.Begin();
        var (type, images, queries, keys, width) = (FloatType(dy, "ScaledDotProductAttention"), q.Shape[0], q.Shape[1], k.Shape[1], q.Shape[2]);
        using var workspace = new CudaWorkspace(
            Pool, 2 * CudaAttention.WorkspaceBytes(type, images, queries, keys, heads), "ScaledDotProductAttention");
        Attention.Backward(
            type, images, queries, keys, width, heads, q.Pointer, k.Pointer, v.Pointer, dy.Pointer, dq.Pointer, dk.Pointer, dv.Pointer,
            workspace.Pointer);
    }
}
