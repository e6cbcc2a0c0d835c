using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void MatMul(
        Tensor a, bool transposeA, long strideA, Tensor b, bool transposeB, long strideB, Tensor c, int batch, int m, int n, int k)
    {
        using var call = KernelCall.Begin();
        // One b for all rows of all matrices: a single product of more rows, which packs b once.
        if (strideB == 0 && !transposeA && strideA == (long)m * k && (long)batch * m <= int.MaxValue)
            (batch, m) = (1, batch * m);
        nint lda = transposeA ? m : k;
        nint ldb = transposeB ? k : n;
        var strideC = (nint)m * n;
        if (IsDouble(c, "MatMul"))
        {
            Gemm.MultiplyBatched(
                batch, m, n, k, a.PointerTo<double>(), lda, (nint)strideA, transposeA, b.PointerTo<double>(), ldb, (nint)strideB,
                transposeB, c.PointerTo<double>(), n, strideC, accumulate: false);
        }
        else
        {
            Gemm.MultiplyBatched(
                batch, m, n, k, a.PointerTo<float>(), lda, (nint)strideA, transposeA, b.PointerTo<float>(), ldb, (nint)strideB,
                transposeB, c.PointerTo<float>(), n, strideC, accumulate: false);
        }
    }
}
