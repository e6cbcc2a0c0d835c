using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>The implicit QL iteration with Wilkinson's shift on a symmetric tridiagonal matrix.</summary>
internal static unsafe class ImplicitQl
{
    // Two iterations an eigenvalue are usual; 30 is the limit that EISPACK and LAPACK take.
    private const int MaxIterations = 60;

    private const double Epsilon = 1.1102230246251565e-16;

    /// <summary>Turns d into the eigenvalues, in no order.</summary>
    /// <param name="n">The size.</param>
    /// <param name="d">[n] the diagonal.</param>
    /// <param name="e">[n] e[i] couples i and i + 1; destroyed.</param>
    /// <param name="log">Receives the rotations; null when only the values are wanted (they are the same to the bit).</param>
    /// <exception cref="EscException">No convergence.</exception>
    public static void Run(int n, double* d, double* e, RotationLog? log)
    {
        if (n > 0)
            e[n - 1] = 0;
        using var unused = log is null ? new Workspace(2L * n) : null;
        for (var l = 0; l < n; l++)
        {
            for (var iteration = 0; ; iteration++)
            {
                var m = l;
                while (m < n - 1 && Math.Abs(e[m]) > Epsilon * (Math.Abs(d[m]) + Math.Abs(d[m + 1])))
                    m++;
                if (m == l)
                    break;
                if (iteration == MaxIterations)
                {
                    throw new EscException(
                        ErrorCode.Internal,
                        $"symmetric eigenproblem of size {n}: eigenvalue {l} did not converge in {MaxIterations} QL iterations");
                }

                var low = Sweep(l, m, d, e, log is null ? unused!.Pointer : log.Next);
                log?.Commit(low, m);
            }
        }

        log?.Flush();
    }

    // One sweep from m up to l; cs[2 i], cs[2 i + 1]: the rotation of rows i and i + 1. Returns the lowest rotation made.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Sweep(int l, int m, double* d, double* e, double* cs)
    {
        var g = (d[l + 1] - d[l]) / (2 * e[l]);
        g = d[m] - d[l] + e[l] / (g + Math.CopySign(Math.Sqrt(g * g + 1), g));
        double s = 1, c = 1, p = 0;
        for (var i = m - 1; i >= l; i--)
        {
            var f = s * e[i];
            var b = c * e[i];
            var square = f * f + g * g;
            var r = square > 1e-280 ? Math.Sqrt(square) : double.Hypot(f, g);
            e[i + 1] = r;
            if (r == 0)
            {
                // Both vanished: the matrix splits here.
                d[i + 1] -= p;
                e[m] = 0;
                return i + 1;
            }

            var inverse = 1 / r;
            s = f * inverse;
            c = g * inverse;
            g = d[i + 1] - p;
            r = (d[i] - g) * s + 2 * c * b;
            p = s * r;
            d[i + 1] = g + p;
            g = c * r - b;
            cs[2 * i] = c;
            cs[2 * i + 1] = s;
        }

        d[l] -= p;
        e[l] = g;
        e[m] = 0;
        return l;
    }
}
