using System.Numerics;

namespace EscNative.Kernels.Cpu;

/// <summary>Matrix products C = op(A) op(B), in float or double, and Gram matrices.</summary>
/// <remarks>
/// Matrices are row-major, and <c>ld</c> is the number of values between two of their rows in memory (of the matrix as it is
/// stored, before it is transposed). op(A) is [m, k], op(B) is [k, n], C is [m, n] and does not overlap A or B. The order of
/// summation depends on the sizes alone, so results are equal bit for bit for any number of threads.
/// </remarks>
public static unsafe class Gemm
{
    /// <summary>C = op(A) op(B), or C += op(A) op(B).</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Columns of op(A); for 0 the product is zero.</param>
    /// <param name="a">[m, k], or [k, m] if transposed.</param>
    /// <param name="lda">Row stride of A as stored.</param>
    /// <param name="transposeA">Whether op(A) is the transpose of A.</param>
    /// <param name="b">[k, n], or [n, k] if transposed.</param>
    /// <param name="ldb">Row stride of B as stored.</param>
    /// <param name="transposeB">Whether op(B) is the transpose of B.</param>
    /// <param name="c">[m, n].</param>
    /// <param name="ldc">Row stride of C.</param>
    /// <param name="accumulate">Adds to C; else C is only written, whatever it held.</param>
    public static void Multiply<T>(
        int m, int n, int k, T* a, nint lda, bool transposeA, T* b, nint ldb, bool transposeB, T* c, nint ldc, bool accumulate)
        where T : unmanaged, INumberBase<T> =>
        GemmDriver<T>.Multiply(m, n, k, new(a, lda, transposeA), new(b, ldb, !transposeB), c, ldc, accumulate);

    /// <summary>The same product for each of a batch of matrices.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="batch">How many products.</param>
    /// <param name="m">Rows of each C.</param>
    /// <param name="n">Columns of each C.</param>
    /// <param name="k">Columns of each op(A).</param>
    /// <param name="a">The first A.</param>
    /// <param name="lda">Row stride of A as stored.</param>
    /// <param name="strideA">Values from one A to the next; 0 if all share one.</param>
    /// <param name="transposeA">Whether op(A) is the transpose of A.</param>
    /// <param name="b">The first B.</param>
    /// <param name="ldb">Row stride of B as stored.</param>
    /// <param name="strideB">Values from one B to the next; 0 if all share one.</param>
    /// <param name="transposeB">Whether op(B) is the transpose of B.</param>
    /// <param name="c">The first C.</param>
    /// <param name="ldc">Row stride of C.</param>
    /// <param name="strideC">Values from one C to the next; the matrices do not overlap.</param>
    /// <param name="accumulate">Adds to C; else C is only written.</param>
    public static void MultiplyBatched<T>(
        int batch, int m, int n, int k, T* a, nint lda, nint strideA, bool transposeA, T* b, nint ldb, nint strideB, bool transposeB,
        T* c, nint ldc, nint strideC, bool accumulate)
        where T : unmanaged, INumberBase<T> =>
        GemmDriver<T>.MultiplyBatched(
            batch, m, n, k, new(a, lda, transposeA), strideA, new(b, ldb, !transposeB), strideB, c, ldc, strideC, accumulate);

    /// <summary>Sum of outer products of rows: gram += Xᵀ X, with products and sums in double.</summary>
    /// <param name="n">Rows of X.</param>
    /// <param name="d">Columns of X.</param>
    /// <param name="x">[n, d].</param>
    /// <param name="ldx">Row stride of X.</param>
    /// <param name="gram">[d, d], contiguous and symmetric; only its upper triangle is read.</param>
    public static void GramF64(int n, int d, float* x, nint ldx, double* gram) => GramDriver<float>.Add(n, d, x, ldx, gram);

    /// <inheritdoc cref="GramF64(int, int, float*, nint, double*)"/>
    public static void GramF64(int n, int d, double* x, nint ldx, double* gram) => GramDriver<double>.Add(n, d, x, ldx, gram);
}
