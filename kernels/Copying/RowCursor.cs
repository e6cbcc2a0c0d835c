using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Walks the rows (all dimensions but the innermost) of a nest, keeping the operands' offsets.</summary>
/// <remarks>Compiled once for good: it runs once a row, and the first call of a kernel should be as fast as the last.</remarks>
internal struct RowCursor
{
    private Extents _index;

    /// <summary>Offset of the row in the first operand, in values.</summary>
    public long A;

    /// <summary>Offset of the row in the second operand.</summary>
    public long B;

    /// <summary>Offset of the row in the third operand.</summary>
    public long C;

    /// <summary>Starts at a row, numbered in row-major order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public RowCursor(in StridedNest nest, long row)
    {
        for (var d = nest.Rank - 2; d >= 0; d--)
        {
            var i = row % nest.Dims[d];
            row /= nest.Dims[d];
            _index[d] = i;
            A += i * nest.A[d];
            B += i * nest.B[d];
            C += i * nest.C[d];
        }
    }

    /// <summary>Goes to the next row; past the last one the cursor is back at the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Advance(in StridedNest nest)
    {
        for (var d = nest.Rank - 2; d >= 0; d--)
        {
            A += nest.A[d];
            B += nest.B[d];
            C += nest.C[d];
            if (++_index[d] < nest.Dims[d])
                return;
            _index[d] = 0;
            A -= nest.Dims[d] * nest.A[d];
            B -= nest.Dims[d] * nest.B[d];
            C -= nest.Dims[d] * nest.C[d];
        }
    }
}
