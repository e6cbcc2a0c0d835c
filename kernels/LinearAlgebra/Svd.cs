using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Singular value decomposition in float64: the reference solver.</summary>
/// <remarks>
/// QR, then QR with column pivoting of the small triangle, then one-sided Jacobi on it (Drmač and Veselić). Any shape, any
/// rank; slower than an eigendecomposition of the Gram matrix, but it does not square the singular values: small ones keep
/// their digits. Equal to the bit for any number of threads.
/// </remarks>
public static unsafe class Svd
{
    private const string Operation = "singular value decomposition";

    /// <summary>Decomposes a matrix.</summary>
    /// <param name="matrix">[rows, columns] row-major.</param>
    /// <param name="rows">0 or more.</param>
    /// <param name="columns">0 or more.</param>
    /// <param name="vectors">Which vectors to compute.</param>
    /// <param name="cancel">Looked at once a sweep.</param>
    /// <returns>The factors. Signs: the component of largest magnitude (the first of equals) of each right vector is
    /// positive, or of each left one when the right ones were not asked for.</returns>
    /// <exception cref="UsageException">The span does not hold rows x columns values.</exception>
    /// <exception cref="EscException">A value that is not finite (bad input), or no convergence (internal).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static SvdResult Decompose(ReadOnlySpan<double> matrix, int rows, int columns, SvdVectors vectors, CancellationToken cancel = default)
    {
        MatrixCheck.Size(Operation, matrix.Length, rows, columns);
        fixed (double* a = matrix)
            return Decompose(rows, columns, a, columns, vectors, cancel);
    }

    /// <summary>The same on a pointer.</summary>
    /// <param name="rows">0 or more.</param>
    /// <param name="columns">0 or more.</param>
    /// <param name="matrix">[rows, columns]</param>
    /// <param name="ld">Its row stride.</param>
    /// <param name="vectors">Which vectors to compute.</param>
    /// <param name="cancel">Looked at once a sweep.</param>
    /// <returns>The factors, as in the other overload.</returns>
    /// <exception cref="EscException">A value that is not finite (bad input), or no convergence (internal).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static SvdResult Decompose(int rows, int columns, double* matrix, nint ld, SvdVectors vectors, CancellationToken cancel = default)
    {
        double largest = 0;
        for (var i = 0; i < rows; i++)
            largest = Math.Max(largest, MatrixCheck.LargestFinite(Operation, i, matrix + i * ld, columns));
        var exponent = MatrixCheck.ScaleExponent(largest);

        var tall = rows >= columns;
        int large = Math.Max(rows, columns), small = Math.Min(rows, columns);
        var wantLong = vectors.HasFlag(tall ? SvdVectors.Left : SvdVectors.Right);
        var wantShort = vectors.HasFlag(tall ? SvdVectors.Right : SvdVectors.Left);
        var longCount = !wantLong ? 0 : vectors.HasFlag(SvdVectors.Full) ? large : small;
        var shortCount = wantShort ? small : 0;
        int ldLong = Workspace.Stride(large), ldShort = Workspace.Stride(small);
        using var memory = new Workspace((long)(small + longCount) * ldLong + (long)small * ldShort + ldShort);
        var c = memory.Pointer;
        var longRows = c + (long)small * ldLong;
        var shortRows = longRows + (long)longCount * ldLong;
        var singular = shortRows + (long)small * ldShort;

        // c: the matrix, or its transpose, as `small` vectors of length `large`, one a row.
        var (first, second) = MatrixCheck.Factors(exponent);
        for (var r = 0; r < rows; r++)
        {
            for (var k = 0; k < columns; k++)
                c[tall ? (long)k * ldLong + r : (long)r * ldLong + k] = matrix[r * ld + k] * first * second;
        }

        var sweeps = Tall(small, large, c, singular, wantShort ? shortRows : null, longCount, longRows, cancel);

        var values = new double[small];
        for (var i = 0; i < small; i++)
            values[i] = Math.ScaleB(singular[i], -exponent);
        var signs = new double[Math.Max(longCount, small)];
        Array.Fill(signs, 1);
        var byShort = wantShort && (tall || !wantLong);
        for (var i = 0; i < (byShort ? small : longCount); i++)
            signs[i] = byShort ? MatrixCheck.Sign(small, shortRows + (long)i * ldShort) : MatrixCheck.Sign(large, longRows + (long)i * ldLong);
        var shortSide = Columns(shortCount, small, shortRows, ldShort, signs);
        var longSide = Columns(longCount, large, longRows, ldLong, signs);
        return tall
            ? new SvdResult(rows, columns, values, longSide, longCount, shortSide, shortCount, sweeps)
            : new SvdResult(rows, columns, values, shortSide, shortCount, longSide, longCount, sweeps);
    }

    // C (large x small, its columns in the rows of c, destroyed) = (Q1 Q2 J) S (P W)^T, where C = Q1 R1, R1 P = Q2 R2 and
    // R2 = J S W^T. Writes S descending, the columns of P W into rows of `right` (unless null), and those of Q1 Q2 J into the
    // first rows of `left`, with a basis of the complement behind them when leftCount exceeds small.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Tall(int small, int large, double* c, double* singular, double* right, int leftCount, double* left,
        CancellationToken cancel)
    {
        int ldc = Workspace.Stride(large), ld = Workspace.Stride(small);
        using var memory = new Workspace(3L * small * ld + 4L * ld + HouseholderQr.Scratch(Math.Max(small, leftCount), large));
        var triangle = memory.Pointer;
        var w = triangle + (long)small * ld;
        var j = w + (long)small * ld;
        var tau1 = j + (long)small * ld;
        var tau2 = tau1 + ld;
        var norms = tau2 + ld;
        var dots = norms + ld;
        var scratch = dots + ld;

        HouseholderQr.Factor(small, large, c, ldc, tau1, scratch);
        for (var k = 0; k < small; k++)
            new Span<double>(c + (long)k * ldc, k + 1).CopyTo(new Span<double>(triangle + (long)k * ld, k + 1));
        var permutation = FactorPivoted(small, triangle, ld, tau2, norms, dots);
        for (var i = 0; i < small; i++)
        {
            for (var k = i; k < small; k++)
                w[(long)i * ld + k] = triangle[(long)k * ld + i];
            j[(long)i * ld + i] = 1;
        }

        // Rows of R2 become rows of S W^T; the same rotations of the identity's rows give J^T.
        var sweeps = OneSidedJacobi.Run(small, small, w, ld, small, leftCount > 0 ? j : null, ld, cancel);
        for (var i = 0; i < small; i++)
            norms[i] = Math.Sqrt(DenseKernels.Dot(small, w + (long)i * ld, w + (long)i * ld));
        var order = MatrixCheck.Descending(small, norms);
        var rank = 0;
        for (var i = 0; i < small; i++)
        {
            singular[i] = norms[order[i]];
            if (singular[i] > 0)
                rank++;
        }

        if (right != null)
        {
            for (var i = 0; i < rank; i++)
            {
                var row = w + (long)order[i] * ld;
                for (var k = 0; k < small; k++)
                    right[(long)i * ld + permutation[k]] = row[k] / singular[i];
            }

            HouseholderQr.Complete(rank, small, small, right, ld);
        }

        for (var i = 0; i < leftCount; i++)
        {
            var row = left + (long)i * ldc;
            if (i < small)
                new Span<double>(j + (long)order[i] * ld, small).CopyTo(new Span<double>(row, small));
            else
                row[i] = 1;
        }

        HouseholderQr.Multiply(Math.Min(leftCount, small), left, ldc, small, small, triangle, ld, tau2, scratch);
        HouseholderQr.Multiply(leftCount, left, ldc, small, large, c, ldc, tau1, scratch);
        return sweeps;
    }

    // QR with column pivoting of the matrix whose columns are the rows of c; returns which column came to which place.
    private static int[] FactorPivoted(int n, double* c, nint ldc, double* tau, double* norms, double* dots)
    {
        var permutation = new int[n];
        for (var k = 0; k < n; k++)
        {
            permutation[k] = k;
            norms[k] = DenseKernels.Dot(n, c + k * ldc, c + k * ldc);
        }

        for (var step = 0; step < n; step++)
        {
            var pivot = step;
            for (var k = step + 1; k < n; k++)
            {
                if (norms[k] > norms[pivot])
                    pivot = k;
            }

            if (pivot != step)
            {
                (permutation[pivot], permutation[step]) = (permutation[step], permutation[pivot]);
                norms[pivot] = norms[step];
                double* x = c + pivot * ldc, y = c + step * ldc;
                for (var k = 0; k < n; k++)
                    (x[k], y[k]) = (y[k], x[k]);
            }

            var v = c + step * ldc + step;
            tau[step] = BlockReflector.Make(n - step - 1, v + 1, v[0], out var beta);
            v[0] = 1;
            HouseholderQr.Reflect(n - step - 1, n - step, v + ldc, ldc, v, tau[step], dots);
            v[0] = beta;
            for (var k = step + 1; k < n; k++)
                norms[k] = DenseKernels.Dot(n - step - 1, c + k * ldc + step + 1, c + k * ldc + step + 1);
        }

        return permutation;
    }

    // [length, count] row-major: row i of `rows` times its sign becomes column i.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] Columns(int count, int length, double* rows, nint ld, double[] signs)
    {
        var result = new double[(long)count * length];
        for (var i = 0; i < count; i++)
        {
            for (var k = 0; k < length; k++)
                result[(long)k * count + i] = signs[i] * rows[i * ld + k];
        }

        return result;
    }
}
