using System.Globalization;
using EscNative.Kernels.Cuda.Cusolver;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Unlearning.Subspaces;

/// <summary>Chooses a solver by d, k and what is known of the features, and says in the result what it chose and why.</summary>
/// <param name="context">The GPU to compute on, or null for the CPU.</param>
public sealed class AutoSolver(CudaContext? context = null) : SubspaceSolver
{
    // Below this d the whole decomposition takes under a millisecond, and it knows the whole spectrum.
    private const int SmallDimension = 128;

    // Measured at d = 512 and 768 with s_j falling as 1 / j: subspace iteration and the whole decomposition take the same
    // time at about k = d / 20.
    private const int FewDirections = 24;

    private const int BlockBeside = 16;
    private const int BlockShare = 6;

    // Float32 features are only known to 6e-8: a projector error below this is invisible.
    private const double WantedAccuracy = 1e-8;

    /// <inheritdoc/>
    public override string Name => "auto";

    internal override Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel)
    {
        var d = problem.Dimension;
        var (solver, why) = Choose(d, k, context);
        var spectrum = solver.Compute(problem, k, cancel);
        var chosen = spectrum.Solver ?? solver.Name;
        List<string> notes = [$"auto chose {solver.Name}: {why}", .. spectrum.Notes];

        var s = spectrum.SingularValues;
        // Directions beyond the rank are not wanted.
        if (Doubt(s, Math.Min(k, Spectrum.RankOf(s, d))) is { } doubt)
        {
            if (problem.HasRows)
            {
                var svd = Solvers.Svd(context);
                var exact = svd.Compute(problem, k, cancel);
                return exact with { Solver = $"auto: {exact.Solver ?? svd.Name}", Notes = [.. notes, $"{doubt}: took the SVD of the rows instead"] };
            }

            notes.Add($"{doubt}; the SVD would do better but needs the feature rows");
        }

        return spectrum with { Solver = $"auto: {chosen}", Notes = notes };
    }

    /// <summary>The solver for k directions that sees the Gram matrix alone, and why it is the one.</summary>
    internal static (SubspaceSolver Solver, string Why) Choose(int d, int k, CudaContext? context) => context is null ? ForCpu(d, k) : ForCuda(d, k, context);

    private static (SubspaceSolver Solver, string Why) ForCpu(int d, int k) =>
        d <= SmallDimension ? (new GramEigenSolver(), $"d = {d} is small")
        : k > d / FewDirections ? (new GramEigenSolver(), $"k = {k} is many of d = {d}")
        : (new SubspaceIterationSolver(), $"k = {k} is few of d = {d}");

    // A small matrix is decomposed on the host before a GPU has begun. Estimated, not yet measured: from a sixth of d on, a block of
    // k + 16 directions costs what the whole decomposition costs.
    private static (SubspaceSolver Solver, string Why) ForCuda(int d, int k, CudaContext context) =>
        d <= SmallDimension ? (new GramEigenSolver(), $"d = {d} is small, on the CPU")
        : k + BlockBeside <= d / BlockShare ? (new CudaSubspaceIterationSolver(context), $"k = {k} is few of d = {d}")
        : CusolverHandle.UnavailableReason is null ? (new CudaGramEigenSolver(context), $"k = {k} is many of d = {d}")
        : (new GramEigenSolver(), $"k = {k} is many of d = {d}, on the CPU because cuSOLVER is not there");

    // Why the Gram matrix is not enough; null where it is.
    private static string? Doubt(double[] s, int k)
    {
        // Rounding of G turns the projector by about 2^-52 s_1² / (s_k² - s_(k+1)²); the SVD of the rows itself by
        // 2^-52 s_1 / (s_k - s_(k+1)).
        var next = k < s.Length ? s[k] : 0;
        var gap = s[k - 1] - next;
        var gramError = Math.ScaleB(1, -52) * s[0] * s[0] / (gap * (s[k - 1] + next));
        var svdError = Math.ScaleB(1, -52) * s[0] / gap;
        return gramError > WantedAccuracy && svdError < 0.1 * gramError
            ? string.Create(CultureInfo.InvariantCulture, $"the Gram matrix determines the projector only to about {gramError:E0}, since s_{k} is {s[k - 1] / s[0]:E1} of s_1")
            : null;
    }
}
