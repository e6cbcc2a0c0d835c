using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>All eigenvalues and eigenvectors of a real symmetric matrix, in float64.</summary>
/// <remarks>
/// Householder tridiagonalisation, then implicit QL whose rotations are applied late, in strips of columns that fit the
/// cache. Backward stable: the residual and the loss of orthogonality are a small multiple of n 2^-53 times the largest
/// eigenvalue. The result is equal to the bit for any number of threads.
/// </remarks>
public static unsafe class SymmetricEigen
{
    private const string Operation = "symmetric eigenproblem";

    /// <summary>Eigenvalues (descending) and eigenvectors.</summary>
    /// <param name="matrix">[n, n] row-major; only the lower triangle is read.</param>
    /// <param name="n">The size, 0 or more.</param>
    /// <returns>The pairs, signs fixed.</returns>
    /// <exception cref="UsageException">The span does not hold n n values.</exception>
    /// <exception cref="EscException">A value that is not finite (bad input), or no convergence (internal).</exception>
    public static Eigenpairs Decompose(ReadOnlySpan<double> matrix, int n)
    {
        MatrixCheck.Size(Operation, matrix.Length, n, n);
        var values = new double[n];
        var vectors = new double[(long)n * n];
        fixed (double* a = matrix, w = values, v = vectors)
            Decompose(n, a, n, w, v, n);
        return new Eigenpairs(n, values, vectors);
    }

    /// <summary>The eigenvalues alone, descending: the same to the bit as with vectors.</summary>
    /// <param name="matrix">[n, n] row-major; only the lower triangle is read.</param>
    /// <param name="n">The size, 0 or more.</param>
    /// <returns>[n], descending.</returns>
    /// <exception cref="UsageException">The span does not hold n n values.</exception>
    /// <exception cref="EscException">A value that is not finite (bad input), or no convergence (internal).</exception>
    public static double[] Values(ReadOnlySpan<double> matrix, int n)
    {
        MatrixCheck.Size(Operation, matrix.Length, n, n);
        var values = new double[n];
        fixed (double* a = matrix, w = values)
            Decompose(n, a, n, w, null, 0);
        return values;
    }

    /// <summary>The same on pointers.</summary>
    /// <param name="n">The size, 0 or more.</param>
    /// <param name="matrix">[n, n]; only the lower triangle is read.</param>
    /// <param name="ldm">Its row stride.</param>
    /// <param name="values">[n], receives the eigenvalues, descending.</param>
    /// <param name="vectors">[n, n], receives eigenvector j in column j; null for the values alone.</param>
    /// <param name="ldv">Its row stride.</param>
    /// <exception cref="EscException">A value that is not finite (bad input), or no convergence (internal).</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Decompose(int n, double* matrix, nint ldm, double* values, double* vectors, nint ldv)
    {
        if (n == 0)
            return;
        double largest = 0;
        for (var i = 0; i < n; i++)
            largest = Math.Max(largest, MatrixCheck.LargestFinite(Operation, i, matrix + i * ldm, i + 1));

        var ld = Workspace.Stride(n);
        long square = (long)n * ld, z = square + 16L * n;
        using var memory = new Workspace(
            square + square + z + 3L * ld + Math.Max(Tridiagonal.ReduceScratch(n), BlockReflector.Scratch(n)));
        var a = memory.Pointer;
        var reflectors = a + square;
        var strips = reflectors + square;
        var d = strips + z;
        var e = d + ld;
        var tau = e + ld;
        var scratch = tau + ld;

        var exponent = MatrixCheck.ScaleExponent(largest);
        var (first, second) = MatrixCheck.Factors(exponent);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
                a[i * ld + j] = matrix[i * ldm + j] * first * second;
        }

        Tridiagonal.Reduce(n, a, ld, d, e, reflectors, ld, tau, scratch);
        // From here on e[i] couples i and i + 1.
        for (var i = 1; i < n; i++)
            e[i - 1] = e[i];
        if (vectors == null)
        {
            ImplicitQl.Run(n, d, e, null);
        }
        else
        {
            // The reduced matrix is spent: its memory takes Qᵀ.
            Tridiagonal.FormTransposedQ(n, reflectors, ld, tau, a, ld, scratch);
            ToStrips(n, a, ld, strips);
            using var log = new RotationLog(n, strips);
            ImplicitQl.Run(n, d, e, log);
        }

        var order = MatrixCheck.Descending(n, d);
        for (var j = 0; j < n; j++)
            values[j] = Math.ScaleB(d[order[j]], -exponent);
        if (vectors != null)
            FromStrips(n, strips, order, vectors, ldv);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToStrips(int n, double* z, nint ldz, double* strips)
    {
        var width = DenseKernels.StripWidth;
        for (var first = 0; first < n; first += width)
        {
            var count = Math.Min(width, n - first);
            var strip = strips + (long)first * n;
            for (var i = 0; i < n; i++)
                new Span<double>(z + i * ldz + first, count).CopyTo(new Span<double>(strip + (long)i * width, width));
        }
    }

    // Row order[j] of z, held in strips, becomes column j of vectors.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromStrips(int n, double* strips, int[] order, double* vectors, nint ldv)
    {
        var width = DenseKernels.StripWidth;
        for (var first = 0; first < n; first += width)
        {
            var count = Math.Min(width, n - first);
            var strip = strips + (long)first * n;
            for (var j = 0; j < n; j++)
            {
                var row = strip + (long)order[j] * width;
                for (var c = 0; c < count; c++)
                    vectors[(first + c) * ldv + j] = row[c];
            }
        }

        // Signs, a row of components at a time: the largest magnitude so far of every column, the first of equals.
        var best = new double[n];
        var sign = new double[n];
        for (var i = 0; i < n; i++)
        {
            var row = vectors + i * ldv;
            for (var j = 0; j < n; j++)
            {
                if (Math.Abs(row[j]) > best[j])
                {
                    best[j] = Math.Abs(row[j]);
                    sign[j] = row[j] < 0 ? -1 : 1;
                }
            }
        }

        for (var i = 0; i < n; i++)
        {
            var row = vectors + i * ldv;
            for (var j = 0; j < n; j++)
                row[j] *= sign[j];
        }
    }
}
