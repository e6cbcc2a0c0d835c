using EscNative.Kernels.Cpu.LinearAlgebra;

namespace EscNative.Unlearning.Subspaces;

/// <summary>All eigenpairs of the Gram matrix: knows the whole spectrum. Directions whose singular value is below about 1e-6
/// of the largest lose digits, because the Gram matrix squares it.</summary>
public sealed class GramEigenSolver : SubspaceSolver
{
    /// <inheritdoc/>
    public override string Name => "gram-eigen";

    internal override Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel)
    {
        var d = problem.Dimension;
        var pairs = SymmetricEigen.Decompose(problem.Gram, d);
        return new Spectrum
        {
            SingularValues = SingularValues(pairs.Values),
            Complete = true,
            Vectors = pairs.Vectors,
            Columns = d,
        };
    }

    // Rounding makes the eigenvalues of a singular Gram matrix a little negative.
    internal static double[] SingularValues(double[] eigenvalues) => Array.ConvertAll(eigenvalues, value => Math.Sqrt(Math.Max(value, 0)));
}
