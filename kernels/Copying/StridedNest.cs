using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Six numbers by value: the extents or the strides of a loop nest.</summary>
[InlineArray(StridedNest.MaxRank)]
internal struct Extents
{
    private long _first;
}

/// <summary>A loop nest over up to three operands, with dimensions of size 1 dropped and mergeable neighbours merged.</summary>
/// <remarks>Strides are in values. The last dimension is the innermost one; a nest has at least one dimension.</remarks>
internal struct StridedNest
{
    /// <summary>The largest rank of a tensor.</summary>
    public const int MaxRank = 6;

    public int Rank;
    public long Count;
    public Extents Dims;
    public Extents A;
    public Extents B;
    public Extents C;

    /// <summary>Builds the shortest nest that visits the same values.</summary>
    /// <exception cref="ArgumentException">More than six dimensions, or spans of different length.</exception>
    public static StridedNest Create(
        ReadOnlySpan<long> dims, ReadOnlySpan<long> a, ReadOnlySpan<long> b, ReadOnlySpan<long> c)
    {
        if (dims.Length > MaxRank || a.Length != dims.Length || b.Length != dims.Length || c.Length != dims.Length)
            throw new ArgumentException($"strided nest: got {dims.Length} dims with {a.Length}, {b.Length}, {c.Length} strides, wants equal numbers up to {MaxRank}");
        var nest = default(StridedNest);
        nest.Count = 1;
        for (var i = 0; i < dims.Length; i++)
        {
            nest.Count *= dims[i];
            if (dims[i] == 1)
                continue;
            var last = nest.Rank - 1;
            if (last >= 0 && nest.A[last] == a[i] * dims[i] && nest.B[last] == b[i] * dims[i] && nest.C[last] == c[i] * dims[i])
            {
                nest.Dims[last] *= dims[i];
            }
            else
            {
                last = nest.Rank++;
                nest.Dims[last] = dims[i];
            }

            nest.A[last] = a[i];
            nest.B[last] = b[i];
            nest.C[last] = c[i];
        }

        if (nest.Rank == 0)
        {
            nest.Rank = 1;
            nest.Dims[0] = 1;
        }

        return nest;
    }

    /// <summary>Makes a dimension the innermost one. Changes the order of the visit, not what is visited.</summary>
    public void MoveLast(int dimension)
    {
        for (var d = dimension; d < Rank - 1; d++)
        {
            (Dims[d], Dims[d + 1]) = (Dims[d + 1], Dims[d]);
            (A[d], A[d + 1]) = (A[d + 1], A[d]);
            (B[d], B[d + 1]) = (B[d + 1], B[d]);
            (C[d], C[d + 1]) = (C[d + 1], C[d]);
        }
    }

    /// <summary>Row-major strides of contiguous memory.</summary>
    public static void ContiguousStrides(ReadOnlySpan<long> dims, Span<long> strides)
    {
        var stride = 1L;
        for (var i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= dims[i];
        }
    }
}
