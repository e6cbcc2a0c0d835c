using EscNative.Models.Erasure;

namespace EscNative.Unlearning.Features;

/// <summary>z - L(Rᵀz) + b, as a method solved for it.</summary>
/// <param name="Width">d.</param>
/// <param name="Left">L, [d, r].</param>
/// <param name="Right">R, [d, r]; the same array as L for an orthogonal projection.</param>
/// <param name="Offset">b, [d], or null.</param>
internal sealed record FeatureChange(int Width, double[] Left, double[] Right, double[]? Offset = null)
{
    /// <summary>r, the rank of the change.</summary>
    public int Rank => Left.Length / Width;

    /// <summary>z - U(Uᵀz) for orthonormal columns U.</summary>
    public static FeatureChange Projection(int width, double[] basis) => new(width, basis, basis);

    /// <summary>z - L(Rᵀ(z - m)): the change leaves the mean m where it is.</summary>
    public static FeatureChange Around(int width, double[] left, double[] right, ReadOnlySpan<double> mean)
    {
        var rank = left.Length / width;
        var coordinates = MatrixMath.Multiply(rank, 1, width, right, true, mean, false);
        return new FeatureChange(width, left, right, MatrixMath.Apply(left, width, rank, coordinates));
    }

    /// <summary>The factor of an erasure operator.</summary>
    public ErasureFactor ToFactor(IReadOnlyDictionary<string, string> origin) => ReferenceEquals(Left, Right) && Offset is null
        ? ErasureFactor.Projection(Left, Width, origin)
        : ErasureFactor.Oblique(Left, Right, Width, Rank == 0 ? null : Offset, origin);
}
