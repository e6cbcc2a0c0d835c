namespace EscNative.Unlearning.Statistics;

/// <summary>The Cholesky factorisation of a symmetric positive definite matrix, for solving with it.</summary>
internal static class Cholesky
{
    /// <summary>Replaces the lower triangle of A [n, n] by L, where A = L Lᵀ.</summary>
    /// <returns>False if A is not positive definite; its content is then lost.</returns>
    public static bool Factor(Span<double> a, int n)
    {
        for (var i = 0; i < n; i++)
        {
            var row = a.Slice(i * n, i + 1);
            for (var j = 0; j < i; j++)
            {
                var other = a.Slice(j * n, j + 1);
                row[j] = (row[j] - Lbfgs.Dot(row[..j], other[..j])) / other[j];
            }

            var pivot = row[i] - Lbfgs.Dot(row[..i], row[..i]);
            if (!(pivot > 0))
                return false;
            row[i] = Math.Sqrt(pivot);
        }

        return true;
    }

    /// <summary>Replaces b [n] by the solution of L Lᵀ x = b.</summary>
    public static void Solve(ReadOnlySpan<double> l, int n, Span<double> b)
    {
        for (var i = 0; i < n; i++)
            b[i] = (b[i] - Lbfgs.Dot(l.Slice(i * n, i), b[..i])) / l[(i * n) + i];
        for (var i = n - 1; i >= 0; i--)
        {
            b[i] /= l[(i * n) + i];
            for (var j = 0; j < i; j++)
                b[j] -= l[(i * n) + j] * b[i];
        }
    }
}
