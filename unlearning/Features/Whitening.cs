using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Features;

/// <summary>W = (S^½)⁺ and W⁺ = S^½ of a covariance matrix S, both symmetric [d, d].</summary>
/// <param name="Forward">W.</param>
/// <param name="Back">W⁺.</param>
/// <param name="Rank">Eigenvalues that count; the others are dead features, or more features than rows.</param>
internal sealed record Whitening(double[] Forward, double[] Back, int Rank)
{
    /// <summary>From the eigenvalues whose roots are above the rounding of float32 features, as <see cref="Spectrum.Tolerance"/> has it.</summary>
    public static Whitening Of(ReadOnlySpan<double> covariance, int width)
    {
        var pairs = SymmetricEigen.Decompose(covariance, width);
        var limit = pairs.Values[0] * Spectrum.Tolerance(width) * Spectrum.Tolerance(width);
        var rank = pairs.Values.Count(v => v > limit);
        // Columns v of V scaled: (V f(v)) Vᵀ.
        var vectors = MatrixMath.Columns(pairs.Vectors, width, width, rank);
        double[] forward = [.. vectors], back = [.. vectors];
        for (var i = 0; i < width; i++)
        {
            for (var j = 0; j < rank; j++)
            {
                var root = Math.Sqrt(pairs.Values[j]);
                forward[(i * rank) + j] /= root;
                back[(i * rank) + j] *= root;
            }
        }

        return new Whitening(
            MatrixMath.Multiply(width, width, rank, forward, false, vectors, true), MatrixMath.Multiply(width, width, rank, back, false, vectors, true), rank);
    }
}
