using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>
/// The k leading eigenpairs of a symmetric positive semi-definite matrix by block subspace iteration with Rayleigh-Ritz.
/// </summary>
/// <remarks>
/// An iteration costs one product with the matrix, 2 n² (k + oversampling) flop, and the error of direction j falls by
/// lambda_(k + oversampling + 1) / lambda_j. Deterministic: the start is a fixed sequence. Equal to the bit for any number of
/// threads.
/// </remarks>
public static unsafe class SubspaceIteration
{
    private const string Operation = "subspace iteration";

    // After this many iterations the rate is known well enough to tell whether the rest is worth its time.
    private const int ForecastAfter = 6;

    /// <summary>Finds the k leading eigenpairs.</summary>
    /// <param name="matrix">[n, n] row-major, symmetric (both triangles are read), positive semi-definite.</param>
    /// <param name="n">The size.</param>
    /// <param name="k">How many pairs, 1 to n.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="cancel">Looked at once an iteration.</param>
    /// <exception cref="UsageException">The span does not hold n n values, or k is out of range.</exception>
    /// <exception cref="EscException">A value that is not finite (bad input), or the full decomposition failed (internal).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static TopEigenpairs Find(ReadOnlySpan<double> matrix, int n, int k, SubspaceIterationOptions? options = null, CancellationToken cancel = default)
    {
        options ??= new SubspaceIterationOptions();
        options.Validate();
        MatrixCheck.Size(Operation, matrix.Length, n, n);
        if (k < 1 || k > n)
            throw new UsageException($"{Operation}: got k = {k}, wants 1 to {n}");
        var block = (int)Math.Min(n, k + (long)(options.Oversampling ?? Math.Max(8, k / 2)));
        fixed (double* given = matrix)
        {
            double largest = 0;
            for (var i = 0; i < n; i++)
                largest = Math.Max(largest, MatrixCheck.LargestFinite(Operation, i, given + (long)i * n, n));
            var exponent = MatrixCheck.ScaleExponent(largest);
            var ld = Workspace.Stride(n);
            using var memory = new Workspace(4L * block * ld + (exponent == 0 ? 0 : (long)n * n));
            var q = memory.Pointer;
            var g = given;
            if (exponent != 0)
            {
                g = q + 4L * block * ld;
                var (first, second) = MatrixCheck.Factors(exponent);
                for (long i = 0; i < (long)n * n; i++)
                    g[i] = given[i] * first * second;
            }

            if (block == n)
                return Full(g, n, k, exponent, 0, $"k = {k} with oversampling covers all {n} directions");
            return Iterate(g, n, k, block, ld, q, exponent, options, cancel);
        }
    }

    private static TopEigenpairs Iterate(
        double* g, int n, int k, int block, int ld, double* q, int exponent, SubspaceIterationOptions options,
        CancellationToken cancel)
    {
        var y = q + (long)block * ld;         // the iterate, then Ritz vectors
        var gq = y + (long)block * ld;
        var gx = gq + (long)block * ld;       // G times the Ritz vectors
        var h = new double[block * block];
        var values = new double[block];
        var s = new double[block * block];
        var residuals = new double[options.MaxIterations + 1];
        Start(block, n, q, ld);
        fixed (double* ph = h, pv = values, ps = s)
        {
            for (var iteration = 1; iteration <= options.MaxIterations; iteration++)
            {
                cancel.ThrowIfCancellationRequested();
                HouseholderQr.Orthonormalise(block, n, q, ld);
                Gemm.Multiply(block, n, n, q, ld, false, g, n, false, gq, ld, false);
                Gemm.Multiply(block, block, n, gq, ld, false, q, ld, true, ph, block, false);
                SymmetricEigen.Decompose(block, ph, block, pv, ps, block);
                // Ritz vectors Sᵀ Q and their images Sᵀ (G Q).
                Gemm.Multiply(block, n, block, ps, block, true, q, ld, false, y, ld, false);
                Gemm.Multiply(block, n, block, ps, block, true, gq, ld, false, gx, ld, false);
                var residual = Residual(n, k, y, gx, ld, pv);
                residuals[iteration] = residual;
                if (residual <= options.Tolerance)
                    return Result(n, k, y, ld, values, residual, exponent, iteration, true);
                if (Hopeless(residuals, iteration, options))
                {
                    return options.FallBack
                        ? Full(g, n, k, exponent, iteration, $"subspace iteration stood at residual {residual:E1} after {iteration} iterations and would not reach {options.Tolerance:E0} within {options.MaxIterations}")
                        : Result(n, k, y, ld, values, residual, exponent, iteration, false);
                }

                var spare = q;
                q = gx;
                gx = spare;
            }
        }

        throw new EscException(ErrorCode.Internal, $"{Operation}: left its loop without a verdict");
    }

    // The convergence is linear: from the fall of the last iterations follows how many more it takes.
    private static bool Hopeless(double[] residuals, int iteration, SubspaceIterationOptions options)
    {
        if (iteration == options.MaxIterations)
            return true;
        if (iteration < ForecastAfter || !options.FallBack)
            return false;
        const int window = 4;
        var fall = Math.Log(residuals[iteration - window] / residuals[iteration]) / window;
        var needed = Math.Log(residuals[iteration] / options.Tolerance);
        return !(fall * (options.MaxIterations - iteration) >= needed);
    }

    // The largest |G x - lambda x| / lambda_1 of the first k rows; 0 for the zero matrix.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Residual(int n, int k, double* x, double* gx, nint ld, double* values)
    {
        double largest = 0;
        for (var j = 0; j < k; j++)
        {
            double* xj = x + j * ld, gj = gx + j * ld;
            double sum = 0;
            for (var i = 0; i < n; i++)
            {
                var r = gj[i] - values[j] * xj[i];
                sum += r * r;
            }

            largest = Math.Max(largest, Math.Sqrt(sum));
        }

        return values[0] > 0 ? largest / values[0] : largest;
    }

    private static TopEigenpairs Full(double* g, int n, int k, int exponent, int iterations, string why)
    {
        var ld = Workspace.Stride(n);
        var values = new double[n];
        var vectors = new double[(long)n * n];
        using var memory = new Workspace(2L * k * ld);
        var x = memory.Pointer;
        var gx = x + (long)k * ld;
        fixed (double* pw = values, pv = vectors)
        {
            SymmetricEigen.Decompose(n, g, n, pw, pv, n);
            for (var j = 0; j < k; j++)
            {
                for (var i = 0; i < n; i++)
                    x[(long)j * ld + i] = vectors[(long)i * n + j];
            }

            Gemm.Multiply(k, n, n, x, ld, false, g, n, false, gx, ld, false);
            return Result(n, k, x, ld, values, Residual(n, k, x, gx, ld, pw), exponent, iterations, true, why);
        }
    }

    private static TopEigenpairs Result(
        int n, int k, double* x, nint ld, double[] values, double residual, int exponent, int iterations, bool converged,
        string? full = null)
    {
        var orthogonality = HouseholderQr.OrthogonalityError(k, n, x, ld);
        var vectors = new double[(long)n * k];
        for (var j = 0; j < k; j++)
        {
            var sign = MatrixCheck.Sign(n, x + j * ld);
            for (var i = 0; i < n; i++)
                vectors[(long)i * k + j] = sign * x[j * ld + i];
        }

        var top = new double[k];
        for (var j = 0; j < k; j++)
            top[j] = Math.ScaleB(values[j], -exponent);
        var next = k < values.Length ? Math.ScaleB(values[k], -exponent) : double.NaN;
        return new TopEigenpairs(n, top, next, vectors, residual, orthogonality, iterations, converged, full);
    }

    // Uniform in [-1, 1) from the SplitMix64 finaliser of a counter: the same start on every machine.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Start(int rows, int n, double* q, nint ld)
    {
        ulong counter = 0;
        for (var r = 0; r < rows; r++)
        {
            for (var i = 0; i < n; i++)
            {
                var z = ++counter * 0x9E3779B97F4A7C15UL;
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
                q[r * ld + i] = (long)(z ^ (z >> 31)) * (1.0 / (1UL << 63));
            }
        }
    }
}
