using EscNative.Kernels.Cpu.LinearAlgebra;

namespace EscNative.Unlearning.Subspaces;

/// <summary>The leading eigenpairs of the Gram matrix by block subspace iteration: the fast way for few directions of a large
/// d. Where it does not converge, the whole matrix is decomposed and the result says so.</summary>
public sealed class SubspaceIterationSolver : SubspaceSolver
{
    private readonly SubspaceIterationOptions? _options;

    /// <summary>A solver.</summary>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public SubspaceIterationSolver(SubspaceIterationOptions? options = null)
    {
        options?.Validate();
        _options = options;
    }

    /// <inheritdoc/>
    public override string Name => "subspace-iteration";

    internal override Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel)
    {
        var top = SubspaceIteration.Find(problem.Gram, problem.Dimension, k, _options, cancel);
        // The next value tells the gap; it is not one of the k converged pairs.
        var values = double.IsNaN(top.NextValue) ? top.Values : [.. top.Values, top.NextValue];
        return new Spectrum
        {
            SingularValues = GramEigenSolver.SingularValues(values),
            Complete = false,
            Vectors = top.Vectors,
            Columns = k,
            Residual = top.Residual,
            Iterations = top.Iterations,
            Solver = top.FullDecomposition is null ? Name : $"{Name} -> gram-eigen",
            Notes = top.FullDecomposition is { } why ? [$"decomposed the whole matrix: {why}"]
                : top.Converged ? [] : [$"not converged: residual {top.Residual:E1}"],
        };
    }
}
