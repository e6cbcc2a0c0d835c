namespace EscNative.Unlearning.Features;

/// <summary>Least-squares concept erasure in closed form (Belrose et al. 2023, LEACE, arXiv 2306.03819).</summary>
internal static class LeaceSolver
{
    /// <summary>How to solve.</summary>
    /// <param name="Tolerance">Singular values of W Cov(x, z) up to this are dropped.</param>
    /// <param name="Shrink">Whether the covariance is shrunk first.</param>
    /// <param name="ConstrainTrace">Whether the erasure may not raise the total variance.</param>
    /// <param name="Whiten">Whether distances are measured in whitened space; else W = I, the authors' method "orth".</param>
    public readonly record struct Options(double Tolerance = 0.01, bool Shrink = true, bool ConstrainTrace = true, bool Whiten = true);

    /// <summary>r(x) = x - W⁺ Q Qᵀ W (x - mean), with Q an orthonormal basis of the columns of W Cov(x, z).</summary>
    /// <param name="statistics">Of the features and the concept columns z; [d] and [c].</param>
    /// <param name="options">How.</param>
    /// <param name="notes">Told what a reader of the result must know.</param>
    public static FeatureChange Solve(CovarianceAccumulator statistics, Options options, List<string> notes)
    {
        var d = statistics.Width;
        if (!options.Whiten)
        {
            var (basis, _) = MatrixMath.Orthonormal(statistics.CrossCovariance(), d, statistics.Concepts, options.Tolerance, relative: false);
            return FeatureChange.Around(d, basis, basis, statistics.Mean);
        }

        var covariance = statistics.Covariance(options.Shrink ? 0 : 1);
        if (options.Shrink)
            Shrinkage.Apply(covariance, d, statistics.Count);
        var whitening = Whitening.Of(covariance, d);
        if (whitening.Rank < d)
            notes.Add(FormattableString.Invariant($"the covariance of the features has rank {whitening.Rank} of {d}: the other directions stay as they are"));
        var (q, rank) = MatrixMath.Orthonormal(
            MatrixMath.Multiply(d, statistics.Concepts, d, whitening.Forward, statistics.CrossCovariance()), d, statistics.Concepts, options.Tolerance, relative: false);
        if (rank < statistics.Concepts)
            notes.Add(FormattableString.Invariant($"{statistics.Concepts - rank} of {statistics.Concepts} concept directions are below the tolerance {options.Tolerance} and stay"));
        var left = MatrixMath.Multiply(d, rank, d, whitening.Back, q);
        var right = MatrixMath.Multiply(d, rank, d, whitening.Forward, q);
        if (options.ConstrainTrace)
            (left, right) = Constrain(d, left, right, q, covariance, notes);
        return FeatureChange.Around(d, left, right, statistics.Mean);
    }

    /// <summary>
    /// Where P = I - L Rᵀ raises the trace of P S Pᵀ above that of S, the mixture a P + (1 - a)(I - Q Qᵀ) that does not: LEACE's
    /// trace constraint. With the S that L and R were made from it never has to act; rounding and other statistics can make it.
    /// </summary>
    /// <remarks>The mixture I - [a L, (1 - a) Q] [R, Q]ᵀ no longer removes all covariance with the concept.</remarks>
    internal static (double[] Left, double[] Right) Constrain(
        int d, double[] left, double[] right, double[] q, double[] covariance, List<string> notes)
    {
        var rank = left.Length / d;
        var limit = MatrixMath.Trace(covariance, d);
        var p = ComplementOf(d, rank, left, right);
        var o = ComplementOf(d, rank, q, q);
        var ps = MatrixMath.Multiply(d, d, d, p, covariance);
        var x = TraceOfProduct(d, ps, p);
        // Rounding alone is no reason to give up the guarantee.
        if (x <= limit * (1 + 1e-9))
            return (left, right);
        var y = 2 * TraceOfProduct(d, ps, o);
        var z = TraceOfProduct(d, MatrixMath.Multiply(d, d, d, o, covariance), o);
        // (x - y + z) a² + (y - 2 z) a + z = limit
        var root = Math.Sqrt(Math.Max(0, (y * y) - (4 * x * z) + (4 * limit * (x - y + z))));
        var first = (z - (y / 2) - (root / 2)) / (x - y + z);
        var a = Math.Clamp(first > 0 ? first : (z - (y / 2) + (root / 2)) / (x - y + z), 0, 1);
        notes.Add(FormattableString.Invariant($"the trace constraint mixed in 1 - {a:0.####} of an orthogonal projection: some linear trace of the concept stays"));
        var (mixedLeft, mixedRight) = (new double[2 * left.Length], new double[2 * right.Length]);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < rank; j++)
            {
                var (from, to) = ((i * rank) + j, (i * 2 * rank) + j);
                (mixedLeft[to], mixedLeft[to + rank]) = (a * left[from], (1 - a) * q[from]);
                (mixedRight[to], mixedRight[to + rank]) = (right[from], q[from]);
            }
        }

        return (mixedLeft, mixedRight);
    }

    // I - L Rᵀ
    private static double[] ComplementOf(int d, int rank, double[] left, double[] right)
    {
        var p = MatrixMath.Multiply(d, d, rank, left, false, right, true);
        for (var i = 0; i < p.Length; i++)
            p[i] = (i % (d + 1) == 0 ? 1 : 0) - p[i];
        return p;
    }

    // tr(A Bᵀ)
    private static double TraceOfProduct(int d, double[] a, double[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < d * d; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
