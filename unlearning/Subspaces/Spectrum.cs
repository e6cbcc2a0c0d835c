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

    /// <summary>Singular values at or below this times the largest are rounding.</summary>
    public required double RankTolerance { get; init; }

    /// <summary>Null: to be measured with the Gram matrix.</summary>
    public double? Residual { get; init; }

    public int Iterations { get; init; }

    public string? Solver { get; init; }

    public IReadOnlyList<string> Notes { get; init; } = [];
}
