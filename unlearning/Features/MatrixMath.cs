using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cpu.LinearAlgebra;

namespace EscNative.Unlearning.Features;

/// <summary>Small dense matrices in float64, row-major, as arrays.</summary>
internal static unsafe class MatrixMath
{
    /// <summary>op(A) op(B): op(A) is [m, k], op(B) is [k, n].</summary>
    public static double[] Multiply(int m, int n, int k, ReadOnlySpan<double> a, bool transposeA, ReadOnlySpan<double> b, bool transposeB)
    {
        var c = new double[m * n];
        fixed (double* x = a, y = b, z = c)
            Gemm.Multiply(m, n, k, x, transposeA ? m : k, transposeA, y, transposeB ? k : n, transposeB, z, n, accumulate: false);
        return c;
    }

    /// <summary>A B of [m, k] and [k, n].</summary>
    public static double[] Multiply(int m, int n, int k, ReadOnlySpan<double> a, ReadOnlySpan<double> b) => Multiply(m, n, k, a, false, b, false);

    /// <summary>The first columns of a matrix [rows, of]: [rows, count].</summary>
    public static double[] Columns(ReadOnlySpan<double> matrix, int rows, int of, int count)
    {
        var result = new double[rows * count];
        for (var i = 0; i < rows; i++)
            matrix.Slice(i * of, count).CopyTo(result.AsSpan(i * count));
        return result;
    }

    /// <summary>
    /// An orthonormal basis of the columns of a matrix: its left singular vectors whose singular value is above a bound.
    /// </summary>
    /// <param name="matrix">[rows, columns].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="bound">The smallest singular value that counts, exclusive.</param>
    /// <param name="relative">Whether the bound is a share of the largest singular value.</param>
    /// <returns>The basis, [rows, rank], and its rank.</returns>
    public static (double[] Basis, int Rank) Orthonormal(ReadOnlySpan<double> matrix, int rows, int columns, double bound, bool relative)
    {
        if (columns == 0)
            return ([], 0);
        var svd = Svd.Decompose(matrix, rows, columns, SvdVectors.Left);
        var limit = relative ? bound * svd.Values[0] : bound;
        var rank = svd.Values.Count(s => s > limit);
        return (Columns(svd.Left, rows, svd.LeftCount, rank), rank);
    }

    /// <summary>M x of [rows, columns] and [columns].</summary>
    public static double[] Apply(ReadOnlySpan<double> matrix, int rows, int columns, ReadOnlySpan<double> x) =>
        Multiply(rows, 1, columns, matrix, x);

    /// <summary>The sum of the diagonal of [n, n].</summary>
    public static double Trace(ReadOnlySpan<double> matrix, int n)
    {
        var trace = 0.0;
        for (var i = 0; i < n; i++)
            trace += matrix[(i * n) + i];
        return trace;
    }
}
