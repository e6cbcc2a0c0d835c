using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Unlearning.Features;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Layers;

/// <summary>
/// The directions in which a layer's inputs lie, and how much each counts (Kodge, Saha, Roy, TMLR 2024): M = U diag(l) Uᵀ with
/// s_i = sigma_i² / sum sigma², l_i = alpha s_i / ((alpha - 1) s_i + 1).
/// </summary>
internal sealed class ImportanceSpace
{
    private readonly int _size;
    private readonly double[] _vectors;
    private readonly double[] _importance;

    /// <param name="moments">The inputs' Gram matrix: its eigenvalues are sigma², its eigenvectors U.</param>
    /// <param name="alpha">0 for no direction; large values for all that occur.</param>
    public ImportanceSpace(SubspaceAccumulator moments, double alpha)
    {
        var pairs = SymmetricEigen.Decompose(moments.Gram(), moments.Dimension);
        _size = moments.Dimension;
        _vectors = pairs.Vectors;
        // Rounding makes the eigenvalues of a singular matrix a little negative.
        var total = pairs.Values.Sum(v => Math.Max(v, 0));
        _importance = Array.ConvertAll(pairs.Values, v =>
        {
            var share = total > 0 ? Math.Max(v, 0) / total : 0;
            return alpha * share / (((alpha - 1) * share) + 1);
        });
    }

    /// <summary>W M of rows W, [rows, size].</summary>
    public double[] Project(double[] rows)
    {
        var count = rows.Length / _size;
        var coordinates = MatrixMath.Multiply(count, _size, _size, rows, _vectors);
        for (var i = 0; i < coordinates.Length; i++)
            coordinates[i] *= _importance[i % _size];
        return MatrixMath.Multiply(count, _size, _size, coordinates, false, _vectors, true);
    }
}
