using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Householder reflectors H = I - tau v vᵀ, one and many at a time, acting on vectors that lie in rows.</summary>
internal static unsafe class BlockReflector
{
    /// <summary>How many reflectors one matrix product applies.</summary>
    public const int Width = 32;

    /// <summary>How many doubles of working memory <see cref="Apply"/> wants.</summary>
    public static long Scratch(int rows) => 2L * rows * Width + 3 * Width * Width + Width;

    /// <summary>
    /// Makes the reflector that maps (alpha, x) to (beta, 0): x is overwritten with v's part below its leading 1.
    /// </summary>
    /// <returns>tau; 0 (the identity) where x is zero already.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Make(int n, double* x, double alpha, out double beta)
    {
        var square = DenseKernels.Dot(n, x, x);
        if (square == 0)
        {
            beta = alpha;
            return 0;
        }

        // alpha - beta adds two numbers of one sign: no cancellation.
        beta = -Math.CopySign(Math.Sqrt(alpha * alpha + square), alpha);
        var scale = 1 / (alpha - beta);
        for (var i = 0; i < n; i++)
            x[i] *= scale;
        return (beta - alpha) / beta;
    }

    /// <summary>
    /// Z becomes Z H_0 H_1 .. H_(count-1), or Z H_(count-1) .. H_0 when reversed. z: [rows, n]; v: [count, n], whole rows
    /// with their leading 1 and zeros; count at most <see cref="Width"/>.
    /// </summary>
    /// <remarks>H_0 .. H_(count-1) = I - Vᵀ T V with T upper triangular (the compact WY form), so the work is three products.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(
        int rows, int n, double* z, nint ldz, int count, double* v, nint ldv, double* tau, bool reversed, double* scratch)
    {
        if (rows == 0 || count == 0)
            return;
        var gram = scratch;
        var t = gram + Width * Width;
        var column = t + Width * Width;
        var y = column + Width;
        var yt = y + (long)rows * Width;

        Gemm.Multiply(count, count, n, v, ldv, false, v, ldv, true, gram, Width, false);
        new Span<double>(t, Width * Width).Clear();
        for (var j = 0; j < count; j++)
        {
            // t[0..j, j] = -tau_j T (V_0..j-1 · v_j); stored negated as a whole, for Z += (Z Vᵀ)(-T) V.
            for (var i = 0; i < j; i++)
                column[i] = gram[i * Width + j];
            for (var i = 0; i < j; i++)
            {
                double sum = 0;
                for (var k = i; k < j; k++)
                    sum += t[i * Width + k] * column[k];
                t[i * Width + j] = -tau[j] * sum;
            }

            t[j * Width + j] = -tau[j];
        }

        Gemm.Multiply(rows, count, n, z, ldz, false, v, ldv, true, y, Width, false);
        Gemm.Multiply(rows, count, count, y, Width, false, t, Width, reversed, yt, Width, false);
        Gemm.Multiply(rows, n, count, yt, Width, false, v, ldv, false, z, ldz, true);
    }
}
