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

/// <summary>The principal directions of a set of features, with the certificate of the solver that found them.</summary>
/// <remarks>Directions are defined up to sign, and up to rotation among equal singular values: only the projector
/// U_k U_kᵀ is unique, and only when s_k exceeds s_(k+1). Compare projectors, never directions.</remarks>
public sealed record SubspaceResult
{
    /// <summary>d, the length of a feature.</summary>
    public required int Dimension { get; init; }

    /// <summary>n, the features that were seen.</summary>
    public required long Count { get; init; }

    /// <summary>k, the directions that were found; less than asked for when the features span fewer.</summary>
    public required int K { get; init; }

    /// <summary>The k that was asked for.</summary>
    public required int RequestedK { get; init; }

    /// <summary>U_k, [d, K] row-major, orthonormal columns; each column's component of largest magnitude is positive.</summary>
    public required double[] Basis { get; init; }

    /// <summary>The singular values that the solver knows, descending: all min(n, d) or d of them, or the leading ones.</summary>
    public required double[] SingularValues { get; init; }

    /// <summary>How many known singular values are above the rounding of float32 features, √d 2^-23 of the largest, whatever the solver; the
    /// rank when <see cref="RankIsExact"/>, else a lower bound of it.</summary>
    public required int Rank { get; init; }

    /// <summary>Whether all singular values are known, so that <see cref="Rank"/> is the numerical rank.</summary>
    public required bool RankIsExact { get; init; }

    /// <summary>The largest |G u - s² u| / s_1² of the K directions, measured after the solve.</summary>
    public required double Residual { get; init; }

    /// <summary>The largest entry of |U_kᵀ U_k - I|, measured after the solve.</summary>
    public required double Orthogonality { get; init; }

    /// <summary>(s_k - s_(k+1)) / s_k: near 0 the projector is not unique. NaN where s_(k+1) is unknown or K is 0.</summary>
    public required double Gap { get; init; }

    /// <summary>The share of the features' sum of squares that lies in the K directions, 0 to 1.</summary>
    public required double EnergyRemoved { get; init; }

    /// <summary>Iterations or sweeps of an iterative solver; 0 for a direct one.</summary>
    public required int Iterations { get; init; }

    /// <summary>The solver's name, and the one that it chose or fell back to.</summary>
    public required string Solver { get; init; }

    /// <summary>Everything a reader of the result should know: reductions of k, fallbacks, choices, small gaps.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
