namespace EscNative.Kernels.Cpu;

/// <summary>What the tiles of one panel of columns have in common. See IndirectKernels.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal unsafe struct IndirectPanel<T>
    where T : unmanaged
{
    /// <summary>Rows of <see cref="B"/>, entries of <see cref="Columns"/>.</summary>
    public nint Depth;

    /// <summary>The left operand: row i of a tile has its value p at <c>A[rows[i] + Columns[p]]</c>.</summary>
    public T* A;

    public int* Columns;

    /// <summary>The right operand, [Depth, columns of the tile].</summary>
    public T* B;

    /// <summary>Values from one row of <see cref="B"/> to the next.</summary>
    public nint StrideB;

    /// <summary>Where row i of a tile goes: to <c>C[outs[i]]</c>.</summary>
    public T* C;

    /// <summary>What row i of a tile begins with, at <c>Start[starts[i]]</c>: C itself to add to it. Null for zeros.</summary>
    public T* Start;

    /// <summary>Added to every row, [columns of the tile]; null for zeros.</summary>
    public T* Bias;

    /// <summary>What comes into L2 meanwhile: 64 bytes, or a row of <see cref="B"/> in a tile of fewer than the most rows, for each of
    /// <see cref="Depth"/>. Not null (B itself where nothing is to come): looking for memory that is not there takes long.</summary>
    public T* Ahead;

    /// <summary>Whether the result is max(., 0). NaN stays NaN.</summary>
    public bool Relu;
}
