using EscNative.Kernels.Cpu.LinearAlgebra;

namespace EscNative.Unlearning.Subspaces;

/// <summary>Singular value decomposition of the feature matrix itself in float64: the reference. Slow, and exact also for
/// directions with tiny singular values.</summary>
public sealed class SvdSolver : SubspaceSolver
{
    /// <inheritdoc/>
    public override string Name => "svd";

    /// <inheritdoc/>
    public override bool NeedsRows => true;

    internal override Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel)
    {
        int n = (int)problem.Count, d = problem.Dimension;
        var rows = problem.Rows;
        var matrix = new double[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            matrix[i] = rows[i];
        // n < d leaves d - n directions without a singular value. They are not needed: k is reduced to the rank first.
        var svd = Svd.Decompose(matrix, n, d, SvdVectors.Right, cancel);
        return new Spectrum
        {
            SingularValues = svd.Values,
            Complete = true,
            Vectors = svd.Right,
            Columns = svd.RightCount,
            Iterations = svd.Sweeps,
        };
    }
}
