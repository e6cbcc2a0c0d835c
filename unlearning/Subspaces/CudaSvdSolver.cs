using EscNative.Kernels;
using EscNative.Kernels.Cuda.Cusolver;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Unlearning.Subspaces;

/// <summary><see cref="SvdSolver"/> on a GPU, by cuSOLVER: gesvd, the reference, or one-sided Jacobi (gesvdj).</summary>
/// <param name="context">The device.</param>
/// <param name="jacobi">Whether gesvdj is wanted.</param>
public sealed class CudaSvdSolver(CudaContext context, bool jacobi = false) : SubspaceSolver
{
    /// <inheritdoc/>
    public override string Name => jacobi ? "svd-jacobi" : "svd";

    /// <inheritdoc/>
    public override bool NeedsRows => true;

    internal override Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel)
    {
        if (problem.Count > int.MaxValue)
            throw new UsageException($"{Name} on {context}: got {problem.Count} features, wants at most {int.MaxValue}; choose gram-eigen or subspace-iteration");
        using var call = KernelCall.Begin();
        using var operand = new CudaOperand(context, problem);
        int n = (int)problem.Count, d = problem.Dimension, small = Math.Min(n, d);
        var solver = CusolverHandle.Of(context);

        // Column-major, rows [n, d] are a d x n matrix. The libraries want no fewer rows than columns: with more features than
        // dimensions they get the transpose, whose right singular vectors are the directions.
        var (tall, high) = (n >= d, Math.Max(n, d));
        var matrix = operand.AllocatePointer<double>((long)n * d);
        operand.Kernels.Widen(DType.F32, operand.Rows, matrix, n, d, transposed: tall);
        var values = operand.Allocate<double>(small);
        var directions = operand.Allocate<double>((long)d * small);
        double[] basis;
        var sweeps = 0;
        var found = Math.Min(k, small);
        if (jacobi)
        {
            var others = operand.AllocatePointer<double>((long)n * small);
            sweeps = solver.Gesvdj(high, small, matrix, values.Pointer, tall ? others : directions.Pointer, tall ? directions.Pointer : others);
            basis = CudaBasis.FromRows(directions.ToHost(), d, found);
        }
        else
        {
            solver.Gesvd(high, small, matrix, values.Pointer, tall ? 0 : directions.Pointer, tall ? directions.Pointer : 0);
            // Of the transpose of V, column-major, a row of memory is a component.
            basis = tall ? CudaBasis.FromColumns(directions.ToHost(), d, d, found) : CudaBasis.FromRows(directions.ToHost(), d, found);
        }

        var singular = values.ToHost();
        return new Spectrum
        {
            SingularValues = singular,
            Complete = true,
            Vectors = basis,
            Columns = found,
            Residual = operand.Residual(basis, found, singular),
            Iterations = sweeps,
            Solver = $"{Name} on {context} ({(jacobi ? "gesvdj" : "gesvd")})",
        };
    }
}
