using EscNative.Kernels.Cpu.LinearAlgebra;

namespace EscNative.Unlearning.Features;

/// <summary>Erasure that keeps the covariance with a task, in closed form (Holstege, Ravfogel, Wouters, SPLINCE, NeurIPS 2025).</summary>
internal static class SplinceSolver
{
    // Covariances that depend linearly on others, as labels that sum to one give them.
    private const double Dependent = 1e-10;

    /// <summary>
    /// r(x) = x - W⁺ V (Uᵀ V)⁺ Uᵀ W (x - mean): V spans W Cov(x, z), U the part of V outside of the span of W Cov(x, y).
    /// </summary>
    /// <remarks>
    /// With orthonormal V and (I - Q Qᵀ) V = A S Bᵀ, Q the basis of W Cov(x, y), it is U = A and (Uᵀ V)⁺ = B S⁻¹: S are the sines of
    /// the angles between concept and task. A direction with too small a sine cannot be erased without an enormous oblique step;
    /// it stays.
    /// </remarks>
    /// <param name="statistics">Of the features and the columns [z, y].</param>
    /// <param name="erased">Columns of z.</param>
    /// <param name="smallestSine">The bound on the sines.</param>
    /// <param name="notes">Told what a reader of the result must know.</param>
    public static FeatureChange Solve(CovarianceAccumulator statistics, int erased, double smallestSine, List<string> notes)
    {
        var (d, columns) = (statistics.Width, statistics.Concepts);
        var whitening = Whitening.Of(statistics.Covariance(), d);
        var white = MatrixMath.Multiply(d, columns, d, whitening.Forward, statistics.CrossCovariance());
        var (z, y) = Split(white, d, columns, erased);
        Normalise(z, d, erased);
        var (v, rank) = MatrixMath.Orthonormal(z, d, erased, Dependent, relative: true);
        var (q, kept) = MatrixMath.Orthonormal(y, d, columns - erased, Dependent, relative: true);
        // (I - Q Qᵀ) V
        var outside = (double[])v.Clone();
        var inside = MatrixMath.Multiply(d, rank, kept, q, MatrixMath.Multiply(kept, rank, d, q, true, v, false));
        for (var i = 0; i < outside.Length; i++)
            outside[i] -= inside[i];
        if (rank == 0)
        {
            notes.Add("the features do not vary with what is to be forgotten: nothing was erased");
            return new FeatureChange(d, [], []);
        }

        var svd = Svd.Decompose(outside, d, rank, SvdVectors.Both);
        var r = svd.Values.Count(s => s > smallestSine);
        if (r < rank)
            notes.Add(FormattableString.Invariant($"{rank - r} of {rank} concept directions lie within the task's (sine up to {smallestSine}) and stay"));
        // B S⁻¹
        var inverse = MatrixMath.Columns(svd.Right, rank, svd.RightCount, r);
        for (var i = 0; i < inverse.Length; i++)
            inverse[i] /= svd.Values[i % r];
        var left = MatrixMath.Multiply(d, r, d, whitening.Back, MatrixMath.Multiply(d, r, rank, v, inverse));
        var right = MatrixMath.Multiply(d, r, d, whitening.Forward, MatrixMath.Columns(svd.Left, d, svd.LeftCount, r));
        return FeatureChange.Around(d, left, right, statistics.Mean);
    }

    private static (double[] Head, double[] Tail) Split(double[] matrix, int rows, int columns, int first)
    {
        var rest = new double[rows * (columns - first)];
        for (var i = 0; i < rows; i++)
            matrix.AsSpan((i * columns) + first, columns - first).CopyTo(rest.AsSpan(i * (columns - first)));
        return (MatrixMath.Columns(matrix, rows, columns, first), rest);
    }

    // Columns to length 1, so that a rare concept counts as much as a common one; a column of zeros stays.
    private static void Normalise(double[] matrix, int rows, int columns)
    {
        for (var j = 0; j < columns; j++)
        {
            var norm = 0.0;
            for (var i = 0; i < rows; i++)
                norm += matrix[(i * columns) + j] * matrix[(i * columns) + j];
            for (var i = 0; i < rows && norm > 0; i++)
                matrix[(i * columns) + j] /= Math.Sqrt(norm);
        }
    }
}
