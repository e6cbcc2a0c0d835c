using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private CudaAttention? _attention;

    public CudaAttention Attention => Once(ref _attention, static b => new CudaAttention(b.Gemm, b.SoftmaxFamily));
}
