namespace EscNative.Unlearning.Subspaces;

/// <summary>Finds the k leading left singular vectors of a feature matrix Z (features as columns, not centred).</summary>
public interface ISubspaceSolver
{
    /// <summary>The name by which options and records know it.</summary>
    string Name { get; }

    /// <summary>Whether it reads the feature rows; the others need the Gram matrix alone.</summary>
    bool NeedsRows { get; }

    /// <summary>Solves.</summary>
    /// <param name="problem">The features.</param>
    /// <param name="k">Directions wanted, 0 to d - 1. Reduced to the rank, with a note, when the features span fewer.</param>
    /// <param name="cancel">Looked at between iterations and sweeps.</param>
    /// <exception cref="UsageException">k is out of range, or rows are needed and not at hand.</exception>
    /// <exception cref="EscException">No features (bad input), or no convergence (internal).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    SubspaceResult Solve(SubspaceProblem problem, int k, CancellationToken cancel = default);
}
