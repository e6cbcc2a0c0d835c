namespace EscNative.Unlearning.Subspaces;

/// <summary>What a solver found, before the rules that all solvers share are applied.</summary>
internal sealed record Spectrum
{
    /// <summary>Descending.</summary>
    public required double[] SingularValues { get; init; }

    /// <summary>Whether those are all.</summary>
    public required bool Complete { get; init; }

    /// <summary>[d, Columns] row-major: the leading left singular vectors, at least k of them.</summary>
    public required double[] Vectors { get; init; }

    public required int Columns { get; init; }

    /// <summary>How many singular values are above the rounding of float32 features of so many dimensions.</summary>
    /// <remarks>
    /// Rounding every value to float32 moves no singular value by more than 2^-24 of the Frobenius norm, which is at most √d s_1. Twice that is
    /// rounding. It is one rule for every solver: the Gram matrix in float64 shows values down to √(d 2^-52) s_1, an eighth of it.
    /// </remarks>
    public static int RankOf(ReadOnlySpan<double> singularValues, int dimension)
    {
        var (rank, limit) = (0, Tolerance(dimension) * (singularValues.IsEmpty ? 0 : singularValues[0]));
        foreach (var value in singularValues)
            rank += value > limit ? 1 : 0;
        return rank;
    }

    /// <summary>Singular values at or below this times the largest are rounding.</summary>
    public static double Tolerance(int dimension) => Math.Sqrt(dimension) * Math.ScaleB(1, -23);

    /// <summary>Null: to be measured with the Gram matrix.</summary>
    public double? Residual { get; init; }

    public int Iterations { get; init; }

    public string? Solver { get; init; }

    public IReadOnlyList<string> Notes { get; init; } = [];
}
