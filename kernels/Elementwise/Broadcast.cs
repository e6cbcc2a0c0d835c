using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The extents of a result and the strides of two operands in it, as kernels take them: by value, rank 6 or less.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Broadcast
{
    /// <summary>The most dimensions.</summary>
    public const int MaxRank = 6;

    private int _rank;
    private fixed long _extents[MaxRank];
    private fixed long _first[MaxRank];
    private fixed long _second[MaxRank];

    /// <summary>How many dimensions are left.</summary>
    public readonly int Rank => _rank;

    /// <summary>The stride of the first operand in dimension <paramref name="k"/>.</summary>
    public readonly long FirstStride(int k) => _first[k];

    /// <summary>The stride of the second operand in dimension <paramref name="k"/>.</summary>
    public readonly long SecondStride(int k) => _second[k];

    /// <summary>Describes a result whose dimensions are merged where both operands allow it, so that kernels divide less.</summary>
    /// <param name="extents">[rank].</param>
    /// <param name="first">Strides of one operand, [rank], in values.</param>
    /// <param name="second">Strides of the other operand, [rank], in values.</param>
    public static Broadcast Of(ReadOnlySpan<long> extents, ReadOnlySpan<long> first, ReadOnlySpan<long> second)
    {
        var b = default(Broadcast);
        for (var k = 0; k < extents.Length; k++)
        {
            if (extents[k] == 1)
                continue;
            var last = b._rank - 1;
            if (last >= 0 && b._first[last] == first[k] * extents[k] && b._second[last] == second[k] * extents[k])
            {
                b._extents[last] *= extents[k];
                (b._first[last], b._second[last]) = (first[k], second[k]);
                continue;
            }

            (b._extents[b._rank], b._first[b._rank], b._second[b._rank]) = (extents[k], first[k], second[k]);
            b._rank++;
        }

        if (b._rank == 0)
        {
            // One value.
            b._extents[0] = 1;
            b._rank = 1;
        }

        return b;
    }
}
