using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private CudaGemm? _gemm;

    public CudaGemm Gemm => Once(ref _gemm, static b => new CudaGemm(b.Context));

    public override void MatMul(
        Tensor a, bool transposeA, long strideA, Tensor b, bool transposeB, long strideB, Tensor c, int batch, int m, int n, int k)
    {
        using var call = KernelCall.Begin();
        var type = FloatType(c, "MatMul");
        // One b for all rows of all matrices: a single product of more rows.
        long rows = m;
        if (strideB == 0 && !transposeA && strideA == (long)m * k)
            (batch, rows) = (1, (long)batch * m);
        var product = new MatrixProduct(
            a.Pointer, transposeA, transposeA ? m : k, b.Pointer, transposeB, transposeB ? k : n, c.Pointer, n, rows, n, k)
        {
            Outer = batch,
            OuterStride = (strideA, strideB, (long)m * n),
        };
        using var workspace = new CudaWorkspace(Pool, Gemm.WorkspaceBytes(type, product), "MatMul");
        Gemm.Multiply(type, product, workspace.Pointer);
    }
}
