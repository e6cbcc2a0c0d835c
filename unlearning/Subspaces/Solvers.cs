namespace EscNative.Unlearning.Subspaces;

/// <summary>The subspace solvers by name.</summary>
public static class Solvers
{
    /// <summary>The names that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["auto", "svd", "gram-eigen", "subspace-iteration"];

    /// <summary>A solver.</summary>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static ISubspaceSolver Create(string name) => name switch
    {
        "auto" => new AutoSolver(),
        "svd" => new SvdSolver(),
        "gram-eigen" => new GramEigenSolver(),
        "subspace-iteration" => new SubspaceIterationSolver(),
        _ => throw new UsageException($"solver: got '{name}', wants one of {string.Join(", ", Names)}"),
    };
}
