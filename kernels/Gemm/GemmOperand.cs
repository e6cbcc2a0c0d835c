namespace EscNative.Kernels.Cpu;

/// <summary>One operand of a product, as a matrix [width, k] whose rows are those of op(A), or the columns of op(B).</summary>
/// <param name="data">Its first value.</param>
/// <param name="stride">Values between two rows of memory.</param>
/// <param name="along">The width runs along memory (a transposed A, a plain B); else k does.</param>
internal readonly unsafe struct GemmOperand<T>(T* data, nint stride, bool along)
    where T : unmanaged
{
    private readonly T* _data = data;

    /// <summary>Values between two rows of memory.</summary>
    public nint Stride { get; } = stride;

    /// <summary>Whether the width runs along memory.</summary>
    public bool Along { get; } = along;

    /// <summary>Values from (i, p) to (i + 1, p).</summary>
    public nint WidthStep => Along ? 1 : Stride;

    /// <summary>Values from (i, p) to (i, p + 1).</summary>
    public nint DepthStep => Along ? Stride : 1;

    /// <summary>The place of (i, p).</summary>
    public T* At(int i, int p) => _data + i * WidthStep + p * DepthStep;

    /// <summary>The same matrix, so many values further on in memory.</summary>
    public GemmOperand<T> Moved(nint values) => new(_data + values, Stride, Along);

    /// <summary>Fills a panel [k, width] with <paramref name="count"/> rows from (i, p), and zeros.</summary>
    public void Pack(int i, int count, int p, int k, int width, T* panel)
    {
        if (Along)
            GemmPacking.Along(At(i, p), Stride, count, k, width, panel);
        else
            GemmPacking.Across(At(i, p), Stride, count, k, width, panel);
    }
}
