using System.Collections.ObjectModel;
using EscNative.Engine;

namespace EscNative.Models.Erasure;

/// <summary>One erasure request's low-rank change of the features z in R^d, and where it came from. Immutable.</summary>
public sealed class ErasureFactor
{
    private readonly double[] _left;
    private readonly double[] _right;
    private readonly double[]? _offset;

    private ErasureFactor(
        ErasureKind kind, int width, int rank, double[] left, double[] right, double[]? offset, IReadOnlyDictionary<string, string>? origin)
    {
        if (width < 1 || rank < 0 || left.Length != (long)width * rank || right.Length != left.Length || (offset is not null && offset.Length != width))
            throw new ShapeException($"erasure: got factors of {left.Length} and {right.Length} values, offset of {offset?.Length ?? 0}, for width {width} and rank {rank}");
        foreach (var values in new[] { left, right, offset ?? [] })
        {
            if (Array.Exists(values, v => !double.IsFinite(v)))
                throw new EscException(ErrorCode.BadInput, $"erasure: a {kind} factor of width {width} and rank {rank} holds NaN or infinity");
        }

        Kind = kind;
        Width = width;
        Rank = rank;
        _left = left;
        _right = right;
        _offset = offset;
        Origin = new ReadOnlyDictionary<string, string>(new SortedDictionary<string, string>(
            origin?.ToDictionary() ?? [], StringComparer.Ordinal));
    }

    /// <summary>The form.</summary>
    public ErasureKind Kind { get; }

    /// <summary>d, the number of features.</summary>
    public int Width { get; }

    /// <summary>Columns of the factors: the directions removed, or for a mask the columns kept.</summary>
    public int Rank { get; }

    /// <summary>L, U or A: [d, rank] row-major.</summary>
    public ReadOnlySpan<double> Left => _left;

    /// <summary>R: [d, rank] row-major; the same as <see cref="Left"/> but for oblique factors.</summary>
    public ReadOnlySpan<double> Right => _right;

    /// <summary>b, [d], or empty.</summary>
    public ReadOnlySpan<double> Offset => _offset;

    /// <summary>Method, mode, classes, p, k, solver, residual...: what a reader of the saved model should know.</summary>
    public IReadOnlyDictionary<string, string> Origin { get; }

    /// <summary>z - U(Uᵀz).</summary>
    /// <param name="basis">U, [d, k] row-major with orthonormal columns; k = 0 is the identity.</param>
    /// <param name="width">d.</param>
    /// <param name="origin">Where it came from.</param>
    /// <exception cref="ShapeException">The sizes do not fit.</exception>
    /// <exception cref="EscException">A value is not finite.</exception>
    public static ErasureFactor Projection(double[] basis, int width, IReadOnlyDictionary<string, string>? origin = null) =>
        new(ErasureKind.Projection, width, width > 0 ? basis.Length / width : 0, basis, basis, null, origin);

    /// <summary>z - L(Rᵀz) + b.</summary>
    /// <exception cref="ShapeException">The sizes do not fit.</exception>
    /// <exception cref="EscException">A value is not finite.</exception>
    public static ErasureFactor Oblique(
        double[] left, double[] right, int width, double[]? offset = null, IReadOnlyDictionary<string, string>? origin = null) =>
        new(ErasureKind.Oblique, width, width > 0 ? left.Length / width : 0, left, right, offset, origin);

    /// <summary>A(Aᵀz).</summary>
    /// <param name="maskedBasis">A = U ⊙ M, [d, m] row-major.</param>
    /// <param name="width">d.</param>
    /// <param name="origin">Where it came from.</param>
    /// <exception cref="ShapeException">The sizes do not fit.</exception>
    /// <exception cref="EscException">A value is not finite.</exception>
    public static ErasureFactor Masked(double[] maskedBasis, int width, IReadOnlyDictionary<string, string>? origin = null) =>
        new(ErasureKind.Masked, width, width > 0 ? maskedBasis.Length / width : 0, maskedBasis, maskedBasis, null, origin);

    /// <summary>Whether this changes nothing.</summary>
    public bool IsIdentity => Kind != ErasureKind.Masked && Rank == 0 && _offset is null;

    /// <summary>Applies the factor to rows z [n, d] in float64, in place.</summary>
    internal void Apply(Span<double> rows)
    {
        for (var start = 0; start < rows.Length; start += Width)
            ApplyRow(rows.Slice(start, Width), _left, _right, _offset);
    }

    /// <summary>
    /// Replaces rows w [m, d] by those with w' · z = w · (this applied to z, without its offset), and returns w · b for each.
    /// </summary>
    internal double[] ApplyTransposed(Span<double> rows)
    {
        var constants = new double[rows.Length / Width];
        for (var i = 0; i < constants.Length; i++)
        {
            var row = rows.Slice(i * Width, Width);
            if (_offset is not null)
                constants[i] = Dot(row, _offset);
            ApplyRow(row, _right, _left, null);
        }

        return constants;
    }

    private void ApplyRow(Span<double> row, double[] left, double[] right, double[]? offset)
    {
        if (IsIdentity)
            return;
        var coefficients = new double[Rank];
        for (var i = 0; i < Width; i++)
        {
            for (var j = 0; j < Rank; j++)
                coefficients[j] += right[(i * Rank) + j] * row[i];
        }

        for (var i = 0; i < Width; i++)
        {
            var sum = 0.0;
            for (var j = 0; j < Rank; j++)
                sum += left[(i * Rank) + j] * coefficients[j];
            row[i] = Kind == ErasureKind.Masked ? sum : row[i] - sum + (offset?[i] ?? 0);
        }
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
