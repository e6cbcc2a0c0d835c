using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cpu.LinearAlgebra;

namespace EscNative.Unlearning.Subspaces;

/// <summary>Orthonormal bases U, stored [d, k] row-major, and the growing of one by later requests.</summary>
public static class Basis
{
    /// <summary>Directions closer to the span of a basis than this angle (radians) count as inside it: float32 features do not
    /// determine what is left of them.</summary>
    public const double SmallestAngle = 1e-6;

    /// <summary>
    /// Adds directions to a basis: what of <paramref name="added"/> lies outside the span of <paramref name="basis"/> is
    /// orthonormalised and appended.
    /// </summary>
    /// <remarks>
    /// With both, I - U Uᵀ is again an orthogonal projector. Incremental requests (methods, section 2) pass directions found
    /// on features that are projected already, so that nothing but rounding lies inside; the "joint" alternative passes
    /// directions of unprojected features, which may overlap.
    /// </remarks>
    /// <param name="basis">[d, k], orthonormal columns; may be empty (k = 0). They come first in the result, unchanged.</param>
    /// <param name="added">[d, m], orthonormal columns.</param>
    /// <param name="dimension">d.</param>
    /// <param name="appended">How many directions were appended; less than m where some lay inside the span.</param>
    /// <returns>[d, k + appended]</returns>
    /// <exception cref="UsageException">Lengths that are no multiple of d.</exception>
    public static unsafe double[] Append(ReadOnlySpan<double> basis, ReadOnlySpan<double> added, int dimension, out int appended)
    {
        if (dimension < 1 || basis.Length % dimension != 0 || added.Length % dimension != 0)
            throw new UsageException($"basis: got {basis.Length} and {added.Length} values, wants columns of {dimension}");
        int k = basis.Length / dimension, m = added.Length / dimension;
        var outside = added.ToArray();
        if (k > 0 && m > 0)
        {
            var overlap = new double[k * m];
            fixed (double* u = basis, v = outside, c = overlap)
            {
                // Twice: the first pass leaves a rounding of what it took away.
                for (var pass = 0; pass < 2; pass++)
                {
                    Gemm.Multiply(k, m, dimension, u, k, true, v, m, false, c, m, false);
                    for (var i = 0; i < overlap.Length; i++)
                        c[i] = -c[i];
                    Gemm.Multiply(dimension, m, k, u, k, false, c, m, false, v, m, true);
                }
            }
        }

        // The singular values of what is left are the sines of the angles between the two spans.
        var svd = Svd.Decompose(outside, dimension, m, SvdVectors.Left);
        appended = svd.Values.Count(value => value > SmallestAngle);
        var total = k + appended;
        var rows = new double[(long)total * dimension];
        for (var i = 0; i < dimension; i++)
        {
            for (var j = 0; j < k; j++)
                rows[(long)j * dimension + i] = basis[i * k + j];
            for (var j = 0; j < appended; j++)
                rows[(long)(k + j) * dimension + i] = svd.Left[(long)i * svd.LeftCount + j];
        }

        fixed (double* r = rows)
            HouseholderQr.Orthonormalise(total, dimension, r, dimension);
        var result = new double[(long)dimension * total];
        for (var i = 0; i < dimension; i++)
        {
            for (var j = 0; j < total; j++)
                result[(long)i * total + j] = j < k ? basis[i * k + j] : rows[(long)j * dimension + i];
        }

        return result;
    }

    /// <summary>The largest entry of |UᵀU - I|.</summary>
    /// <param name="basis">[d, k]</param>
    /// <param name="dimension">d.</param>
    /// <param name="k">Columns.</param>
    public static unsafe double OrthogonalityError(ReadOnlySpan<double> basis, int dimension, int k)
    {
        if (k == 0)
            return 0;
        var gram = new double[(long)k * k];
        fixed (double* u = basis, g = gram)
            Gemm.Multiply(k, k, dimension, u, k, true, u, k, false, g, k, false);
        double error = 0;
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j < k; j++)
                error = Math.Max(error, Math.Abs(gram[(long)i * k + j] - (i == j ? 1 : 0)));
        }

        return error;
    }
}
