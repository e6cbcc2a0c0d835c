using EscNative.Engine;

namespace EscNative.Models.Erasure;

/// <summary>What stands between a model's features and its head after erasure requests: an ordered product of factors. Immutable.</summary>
/// <remarks>The directions that it removes are themselves a trace of what was erased: the saved file says which they are.</remarks>
public sealed class ErasureOperator
{
    private readonly ErasureFactor[] _factors;

    /// <summary>An operator that applies the factors in the given order; none is the identity.</summary>
    /// <exception cref="ShapeException">The factors' widths differ.</exception>
    public ErasureOperator(int width, params ReadOnlySpan<ErasureFactor> factors)
    {
        foreach (var factor in factors)
        {
            if (factor.Width != width)
                throw new ShapeException($"erasure: got a factor of width {factor.Width}, wants {width}");
        }

        Width = width;
        _factors = factors.ToArray();
    }

    /// <summary>d, the number of features.</summary>
    public int Width { get; }

    /// <summary>The factors in the order in which they are applied: one an erasure request.</summary>
    public IReadOnlyList<ErasureFactor> Factors => _factors;

    /// <summary>Whether it changes nothing.</summary>
    public bool IsIdentity => Array.TrueForAll(_factors, f => f.IsIdentity);

    /// <summary>This operator followed by another: a further request.</summary>
    /// <exception cref="ShapeException">The widths differ.</exception>
    public ErasureOperator Then(ErasureOperator next) => new(Width, [.. _factors, .. next._factors]);

    /// <summary>Applies the operator to rows of features in float64: the reference for every faster path.</summary>
    /// <param name="rows">z, [n, d] row-major; changed in place.</param>
    /// <exception cref="ShapeException">The length is no multiple of d.</exception>
    public void Apply(Span<double> rows)
    {
        if (rows.Length % Width != 0)
            throw new ShapeException($"erasure: got {rows.Length} values, wants rows of {Width}");
        foreach (var factor in _factors)
            factor.Apply(rows);
    }

    /// <summary>The matrix P with P z + c = this applied to z: [d, d] row-major.</summary>
    public double[] ToDense()
    {
        // Row i of the transposed identity, pushed through the factors from the last to the first, is row i of P.
        var rows = new double[Width * Width];
        for (var i = 0; i < Width; i++)
            rows[(i * Width) + i] = 1;
        _ = Transposed(rows);
        return rows;
    }

    /// <summary>The head that gives on raw features what the given head gives on erased ones: W' = W P, b' = b + W c.</summary>
    /// <param name="weight">W, [classes, d] row-major.</param>
    /// <param name="bias">b, [classes], or empty for zeros.</param>
    /// <remarks>Folding protects the logits only: the features before the head are the raw ones again.</remarks>
    /// <exception cref="ShapeException">The sizes do not fit.</exception>
    public (double[] Weight, double[] Bias) FoldInto(ReadOnlySpan<double> weight, ReadOnlySpan<double> bias)
    {
        var classes = weight.Length / Width;
        if (weight.Length != classes * Width || (bias.Length != classes && bias.Length != 0))
            throw new ShapeException($"erasure: got a head of {weight.Length} weights and {bias.Length} biases, wants [classes, {Width}] and [classes]");
        var folded = weight.ToArray();
        var shift = Transposed(folded);
        for (var i = 0; i < bias.Length; i++)
            shift[i] += bias[i];
        return (folded, shift);
    }

    private double[] Transposed(double[] rows)
    {
        var constants = new double[rows.Length / Width];
        for (var f = _factors.Length - 1; f >= 0; f--)
        {
            var shift = _factors[f].ApplyTransposed(rows);
            for (var i = 0; i < constants.Length; i++)
                constants[i] += shift[i];
        }

        return constants;
    }
}
