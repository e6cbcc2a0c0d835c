using System.Globalization;
using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Subspaces;

/// <summary>The rules that every solver shares (methods, section 2): what is an error, when k is reduced, and how the result
/// is certified.</summary>
public abstract class SubspaceSolver : ISubspaceSolver
{
    /// <summary>s_k and s_(k+1) closer than this, relative to s_k, are reported: float32 features do not tell them apart.</summary>
    private const double SmallGap = 1e-6;

    private protected SubspaceSolver()
    {
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public virtual bool NeedsRows => false;

    /// <inheritdoc/>
    public SubspaceResult Solve(SubspaceProblem problem, int k, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        DirectionCount.Check(problem.Dimension, k);
        cancel.ThrowIfCancellationRequested();
        if (problem.Count == 0)
            throw new EscException(ErrorCode.BadInput, "principal directions: there is no feature. The forgetting set is empty: check the classes or indices of the request");
        if (k == 0)
            return Identity(problem, k, 0, "k = 0: nothing is erased");
        if (problem.Energy == 0)
            return Identity(problem, k, problem.Dimension, "all features are zero: they have no direction, and nothing is erased");
        return Certify(problem, k, Compute(problem, k, cancel));
    }

    internal abstract Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel);


    private SubspaceResult Identity(SubspaceProblem problem, int k, int knownValues, string note) => new()
    {
        Dimension = problem.Dimension,
        Count = problem.Count,
        K = 0,
        RequestedK = k,
        Basis = [],
        SingularValues = new double[knownValues],
        Rank = 0,
        RankIsExact = knownValues > 0,
        Residual = 0,
        Orthogonality = 0,
        Gap = double.NaN,
        EnergyRemoved = 0,
        Iterations = 0,
        Solver = Name,
        Notes = [note],
    };

    private SubspaceResult Certify(SubspaceProblem problem, int k, Spectrum spectrum)
    {
        var d = problem.Dimension;
        var s = spectrum.SingularValues;
        var rank = Spectrum.RankOf(s, d);
        var found = Math.Min(k, rank);
        var notes = new List<string>(spectrum.Notes);
        if (found < k)
            notes.Add($"k reduced from {k} to {found}: the features span only {found} directions as far as float32 tells, and any further one would be arbitrary");

        var gap = double.NaN;
        if (found < s.Length || spectrum.Complete)
        {
            var next = found < s.Length ? s[found] : 0;
            gap = (s[found - 1] - next) / s[found - 1];
            if (gap <= SmallGap)
            {
                notes.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"singular values {found} and {found + 1} are equal within {SmallGap:0e+0} ({s[found - 1]:G9}, {next:G9}): the projector is not unique, another k would be"));
            }
        }

        var basis = new double[(long)d * found];
        for (var i = 0; i < d; i++)
            Array.Copy(spectrum.Vectors, (long)i * spectrum.Columns, basis, (long)i * found, found);
        double removed = 0;
        for (var j = 0; j < found; j++)
            removed += s[j] * s[j];
        return new SubspaceResult
        {
            Dimension = d,
            Count = problem.Count,
            K = found,
            RequestedK = k,
            Basis = basis,
            SingularValues = s,
            Rank = rank,
            RankIsExact = spectrum.Complete,
            Residual = spectrum.Residual ?? MeasureResidual(problem.Gram, d, basis, found, s),
            Orthogonality = Subspaces.Basis.OrthogonalityError(basis, d, found),
            Gap = gap,
            EnergyRemoved = Math.Min(1, removed / problem.Energy),
            Iterations = spectrum.Iterations,
            Solver = spectrum.Solver ?? Name,
            Notes = notes,
        };
    }

    // The largest |G u - s² u| / s_1² of the columns of u, [d, k].
    private static unsafe double MeasureResidual(double[] gram, int d, double[] basis, int k, double[] s)
    {
        var image = new double[(long)d * k];
        fixed (double* g = gram, u = basis, y = image)
            Gemm.Multiply(d, k, d, g, d, false, u, k, false, y, k, false);
        double largest = 0;
        for (var j = 0; j < k; j++)
        {
            double sum = 0;
            for (long i = 0; i < d; i++)
            {
                var r = image[i * k + j] - s[j] * s[j] * basis[i * k + j];
                sum += r * r;
            }

            largest = Math.Max(largest, Math.Sqrt(sum));
        }

        return largest / (s[0] * s[0]);
    }
}
