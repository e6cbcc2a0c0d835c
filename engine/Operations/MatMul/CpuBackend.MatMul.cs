using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void MatMul(
        Tensor a, bool transposeA, long strideA, Tensor b, bool transposeB, long strideB, Tensor c, int batch, int m, int n, int k)
    {
        // One b for all rows of all matrices: a single product of more rows, which packs b once.
        if (strideB == 0 && !transposeA && strideA == (long)m * k && (long)batch * m <= int.MaxValue)
            (batch, m) = (1, batch * m);
        Dispatch(c, "MatMul", new MatMulJob(a, transposeA, strideA, b, transposeB, strideB, c, batch, m, n, k));
    }

    private readonly struct MatMulJob(
        Tensor a, bool transposeA, long strideA, Tensor b, bool transposeB, long strideB, Tensor c, int batch, int m, int n, int k) : IFloatJob
    {
        void IFloatJob.Run<T>() => Gemm.MultiplyBatched(
            batch, m, n, k, a.PointerTo<T>(), transposeA ? m : k, (nint)strideA, transposeA, b.PointerTo<T>(), transposeB ? k : n, (nint)strideB,
            transposeB, c.PointerTo<T>(), n, (nint)m * n, accumulate: false);
    }
}
