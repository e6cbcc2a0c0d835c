using EscNative.Kernels.Cuda.Cusolver;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Unlearning.Subspaces;

/// <summary>The subspace solvers by name.</summary>
public static class Solvers
{
    /// <summary>The names that <see cref="Create(string)"/> knows: the solvers of the CPU.</summary>
    public static IReadOnlyList<string> Names { get; } = ["auto", "svd", "gram-eigen", "subspace-iteration"];

    /// <summary>The names that <see cref="Create(string, CudaContext)"/> knows: the solvers of a GPU.</summary>
    public static IReadOnlyList<string> CudaNames { get; } = ["auto", "svd", "svd-jacobi", "gram-eigen", "subspace-iteration"];

    /// <summary>A solver that computes on the CPU.</summary>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static ISubspaceSolver Create(string name) => name switch
    {
        "auto" => new AutoSolver(),
        "svd" => new SvdSolver(),
        "gram-eigen" => new GramEigenSolver(),
        "subspace-iteration" => new SubspaceIterationSolver(),
        _ => throw new UsageException($"solver: got '{name}', wants one of {string.Join(", ", Names)}"),
    };

    /// <summary>A solver that computes on a GPU. All but auto and subspace-iteration need cuSOLVER, and say so when they solve.</summary>
    /// <param name="name">One of <see cref="CudaNames"/>.</param>
    /// <param name="context">The device; null for the CPU.</param>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static ISubspaceSolver Create(string name, CudaContext? context) => context is null ? Create(name) : name switch
    {
        "auto" => new AutoSolver(context),
        "svd" => new CudaSvdSolver(context),
        "svd-jacobi" => new CudaSvdSolver(context, jacobi: true),
        "gram-eigen" => new CudaGramEigenSolver(context),
        "subspace-iteration" => new CudaSubspaceIterationSolver(context),
        _ => throw new UsageException($"solver: got '{name}', wants one of {string.Join(", ", CudaNames)}"),
    };

    /// <summary>The SVD of the rows: on a GPU by cuSOLVER, and on the CPU where that is not there.</summary>
    internal static SubspaceSolver Svd(CudaContext? context) => HasCusolver(context) ? new CudaSvdSolver(context!) : new SvdSolver();

    /// <summary>All eigenpairs of the Gram matrix, likewise.</summary>
    internal static SubspaceSolver GramEigen(CudaContext? context) => HasCusolver(context) ? new CudaGramEigenSolver(context!) : new GramEigenSolver();

    private static bool HasCusolver(CudaContext? context) => context is not null && CusolverHandle.UnavailableReason is null;
}
