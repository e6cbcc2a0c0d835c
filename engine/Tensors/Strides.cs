using System.Runtime.CompilerServices;

namespace EscNative.Engine;

/// <summary>How far apart, in values, neighbours along each dimension lie; 0 repeats a value (broadcasting).</summary>
internal readonly struct Strides
{
    private readonly Values _values;

    public Strides(ReadOnlySpan<long> values)
    {
        for (var i = 0; i < values.Length; i++)
            _values[i] = values[i];
    }

    public long this[int i] => _values[i];

    public static Strides Contiguous(Shape shape)
    {
        Span<long> strides = stackalloc long[Shape.MaxRank];
        var stride = 1L;
        for (var i = shape.Rank - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }

        return new Strides(strides);
    }

    /// <summary>Whether the values of <paramref name="shape"/> lie one after another; extents of 1 do not matter, and none at all where there are no values.</summary>
    public bool AreContiguous(Shape shape)
    {
        var expected = 1L;
        var contiguous = true;
        for (var i = shape.Rank - 1; i >= 0; i--)
        {
            var extent = shape[i];
            if (extent == 0)
                return true;
            if (extent != 1)
                contiguous &= _values[i] == expected;
            expected *= extent;
        }

        return contiguous;
    }

    public void CopyTo(Span<long> values, int rank)
    {
        for (var i = 0; i < rank; i++)
            values[i] = _values[i];
    }

    [InlineArray(Shape.MaxRank)]
    private struct Values
    {
        private long _first;
    }
}
