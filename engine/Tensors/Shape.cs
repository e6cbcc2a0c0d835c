using System.Runtime.CompilerServices;

namespace EscNative.Engine;

/// <summary>The extents of a tensor, outermost first: up to six, held inline. A scalar has rank 0 and count 1.</summary>
/// <remarks>Images are [n, h, w, c] (channels last), convolution weights [out, kh, kw, in].</remarks>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The largest rank.</summary>
    public const int MaxRank = 6;

    // Leaves room for 8 bytes a value and the pool's rounding in a 64-bit size.
    private const long MaxCount = 1L << 58;

    private readonly Dims _dims;

    /// <summary>A shape of the given extents.</summary>
    /// <exception cref="ShapeException">More than six extents, a negative one, or more values than 64 bits can address.</exception>
    public Shape(params ReadOnlySpan<int> dims)
    {
        if (dims.Length > MaxRank)
            throw new ShapeException($"shape: got {dims.Length} dimensions, wants at most {MaxRank}");
        Rank = dims.Length;
        // The other extents count even where one is 0: strides are products of them.
        var count = 1L;
        for (var i = 0; i < dims.Length; i++)
        {
            var extent = dims[i];
            if (extent < 0)
                throw new ShapeException($"shape: dimension {i} is {extent}, wants 0 or more");
            if (extent > 1 && count > MaxCount / extent)
                throw new ShapeException($"shape: [{string.Join(", ", dims.ToArray())}] has more values than can be addressed");
            count *= Math.Max(extent, 1);
            _dims[i] = extent;
        }
    }

    /// <summary>How many dimensions there are.</summary>
    public int Rank { get; }

    /// <summary>How many values there are: the product of the extents, 1 for a scalar.</summary>
    public long Count
    {
        get
        {
            var count = 1L;
            for (var i = 0; i < Rank; i++)
                count *= _dims[i];
            return count;
        }
    }

    /// <summary>The extent of a dimension.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public int this[Index index]
    {
        get
        {
            var i = index.GetOffset(Rank);
            if ((uint)i >= (uint)Rank)
                throw new ShapeException($"shape: {this} has no dimension {index}");
            return _dims[i];
        }
    }

    /// <summary>A vector's shape.</summary>
    public static implicit operator Shape(int n) => new(n);

    /// <summary>A matrix's shape.</summary>
    public static implicit operator Shape((int A, int B) s) => new(s.A, s.B);

    /// <summary>A shape of three dimensions.</summary>
    public static implicit operator Shape((int A, int B, int C) s) => new(s.A, s.B, s.C);

    /// <summary>A shape of four dimensions: [n, h, w, c] for images.</summary>
    public static implicit operator Shape((int A, int B, int C, int D) s) => new(s.A, s.B, s.C, s.D);

    /// <summary>Whether two shapes have the same extents.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Whether two shapes differ.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>The dimension that a possibly negative axis means: -1 is the last.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public int Axis(int axis, string operation)
    {
        var i = axis < 0 ? axis + Rank : axis;
        return (uint)i < (uint)Rank ? i : throw new ShapeException($"{operation}: {this} has no axis {axis}");
    }

    /// <summary>This shape with one extent replaced.</summary>
    public Shape With(int axis, int extent)
    {
        Span<int> dims = stackalloc int[Rank];
        CopyTo(dims);
        dims[Axis(axis, "shape")] = extent;
        return new Shape(dims);
    }

    /// <summary>Copies the extents.</summary>
    public void CopyTo(Span<int> dims)
    {
        for (var i = 0; i < Rank; i++)
            dims[i] = _dims[i];
    }

    /// <summary>The extents as an array.</summary>
    public int[] ToArray()
    {
        var dims = new int[Rank];
        CopyTo(dims);
        return dims;
    }

    /// <inheritdoc/>
    public bool Equals(Shape other)
    {
        if (Rank != other.Rank)
            return false;
        for (var i = 0; i < Rank; i++)
        {
            if (_dims[i] != other._dims[i])
                return false;
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        for (var i = 0; i < Rank; i++)
            hash.Add(_dims[i]);
        return hash.ToHashCode();
    }

    /// <summary>The shape as written in messages: <c>[64, 32, 32, 3]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", ToArray())}]";

    [InlineArray(MaxRank)]
    private struct Dims
    {
        private int _first;
    }
}
