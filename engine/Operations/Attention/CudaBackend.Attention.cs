using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private CudaAttention? _attention;

    public CudaAttention Attention => Once(ref _attention, static b => new CudaAttention(b.Gemm, b.SoftmaxFamily));

    public override void ScaledDotProductAttention(Tensor q, Tensor k, Tensor v, int heads, Tensor y)
    {
        using var call = KernelCall.Begin();
        var (type, images, queries, keys, width) = (FloatType(y, "ScaledDotProductAttention"), q.Shape[0], q.Shape[1], k.Shape[1], q.Shape[2]);
        using var workspace = new CudaWorkspace(
            Pool, CudaAttention.WorkspaceBytes(type, images, queries, keys, heads), "ScaledDotProductAttention");
        Attention.Forward(type, images, queries, keys, width, heads, q.Pointer, k.Pointer, v.Pointer, y.Pointer, workspace.Pointer);
    }

    public override void ScaledDotProductAttentionBackward(
        Tensor q, Tensor k, Tensor v, int heads, Tensor dy, Tensor dq, Tensor dk, Tensor dv)
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
