namespace EscNative.Kernels.Cuda;

/// <summary>Scaled dot-product attention on a GPU: batches of products, one matrix for each head of each image, with a softmax between.
/// The formulas stand at the CPU's kernel.</summary>
/// <param name="gemm">The products.</param>
/// <param name="softmax">The softmax.</param>
public sealed class CudaAttention(CudaGemm gemm, SoftmaxKernels softmax)
{
    /// <summary>Bytes of workspace of <see cref="Forward(DType, int, int, int, int, int, nint, nint, nint, nint, nint)"/>: the scores of all heads. <see cref="Backward"/> wants as many twice.</summary>
    public static long WorkspaceBytes(DType type, int images, int queries, int keys, int heads) =>
        (long)images * heads * queries * keys * (type == DType.BF16 ? 2 : ProductTiles.AccumulatorBytes(type));

    /// <summary>y = softmax(q kᵀ / √(d / heads)) v, head by head. No image's bits depend on the others.</summary>
    /// <param name="type">The type of all operands, and of the scores.</param>
    /// <param name="images">How many images.</param>
    /// <param name="queries">t, tokens of an image that ask.</param>
    /// <param name="keys">s, tokens of an image that answer.</param>
    /// <param name="width">d, values of a token; a multiple of the heads.</param>
    /// <param name="heads">How many heads; head h owns columns h d / heads and the following.</param>
    /// <param name="q">[images, t, d].</param>
    /// <param name="k">[images, s, d].</param>
    /// <param name="v">[images, s, d].</param>
    /// <param name="y">[images, t, d]; overlaps no operand.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/>.</param>
    public void Forward(
        DType type, int images, int queries, int keys, int width, int heads, nint q, nint k, nint v, nint y, nint workspace) =>
        Forward(type, images, queries, keys, width, heads, q, width, k, width, v, width, y, workspace);

    /// <summary>The same of operands whose tokens stand further apart: columns of a wider matrix, such as one product of all three.</summary>
    /// <inheritdoc cref="Forward(DType, int, int, int, int, int, nint, nint, nint, nint, nint)" path="/param"/>
    /// <param name="pitchQ">Values from one token of q to the next, at least d.</param>
    /// <param name="pitchK">Values from one token of k to the next, at least d.</param>
    /// <param name="pitchV">Values from one token of v to the next, at least d.</param>
    public void Forward(
        DType type, int images, int queries, int keys, int width, int heads, nint q, int pitchQ, nint k, int pitchK, nint v, int pitchV, nint y,
        nint workspace)
    {
        var s = new Batch(images, queries, keys, width, heads);
        Shares(type, s, q, pitchQ, k, pitchK, workspace);
        Multiply(type, s, new(workspace, false, keys, v, false, pitchV, y, width, queries, s.Size, keys), s.Scores, s.Apart(keys, pitchV), s.Asked);
    }

    /// <summary>The gradients of <see cref="Forward(DType, int, int, int, int, int, nint, nint, nint, nint, nint)"/>; all are only written, and overlap no operand.</summary>
    /// <inheritdoc cref="Forward(DType, int, int, int, int, int, nint, nint, nint, nint, nint)" path="/param"/>
    /// <param name="dy">[images, t, d].</param>
    /// <param name="dq">[images, t, d].</param>
    /// <param name="dk">[images, s, d].</param>
    /// <param name="dv">[images, s, d].</param>
    /// <param name="workspace">Twice <see cref="WorkspaceBytes"/>.</param>
    public void Backward(
        DType type, int images, int queries, int keys, int width, int heads, nint q, nint k, nint v, nint dy, nint dq, nint dk, nint dv,
        nint workspace)
    {
        var s = new Batch(images, queries, keys, width, heads);
        var g = workspace + (nint)WorkspaceBytes(type, images, queries, keys, heads);
        Shares(type, s, q, width, k, width, workspace);
        Multiply(type, s, new(workspace, true, keys, dy, false, width, dv, width, keys, s.Size, queries), s.Scores, s.Asked, s.Keyed);
        Multiply(type, s, new(dy, false, width, v, true, width, g, keys, queries, keys, s.Size), s.Asked, s.Keyed, s.Scores);
        softmax.Backward(type, workspace, g, g, s.Rows, keys, log: false);
        Multiply(type, s, new(g, false, keys, k, false, width, dq, width, queries, s.Size, keys) { Alpha = s.Scale }, s.Scores, s.Keyed, s.Asked);
        Multiply(type, s, new(g, true, keys, q, false, width, dk, width, keys, s.Size, queries) { Alpha = s.Scale }, s.Scores, s.Asked, s.Keyed);
    }

    private void Shares(DType type, in Batch s, nint q, int pitchQ, nint k, int pitchK, nint shares)
    {
        Multiply(
            type, s, new(q, false, pitchQ, k, true, pitchK, shares, s.Keys, s.Queries, s.Keys, s.Size) { Alpha = s.Scale },
            s.Apart(s.Queries, pitchQ), s.Apart(s.Keys, pitchK), s.Scores);
        softmax.Forward(type, shares, shares, s.Rows, s.Keys, log: false);
    }

    // One product for each head of each image; the strides are those of a, b and c.
    private void Multiply(
        DType type, in Batch s, MatrixProduct one, (long Image, long Head) a, (long Image, long Head) b, (long Image, long Head) c) =>
        gemm.Multiply(
            type,
            one with
            {
                Outer = s.Images,
                Inner = s.Heads,
                OuterStride = (a.Image, b.Image, c.Image),
                InnerStride = (a.Head, b.Head, c.Head),
                RowsApart = true,
            },
            0);

    private readonly record struct Batch(int Images, int Queries, int Keys, int Width, int Heads)
    {
        public int Size => Width / Heads;

        public double Scale => 1 / Math.Sqrt(Size);

        public long Rows => (long)Images * Heads * Queries;

        // From one image to the next and from one head to the next: among queries and results, keys and values, scores.
        public (long Image, long Head) Asked => Apart(Queries, Width);

        public (long Image, long Head) Keyed => Apart(Keys, Width);

        public (long Image, long Head) Apart(int tokens, int pitch) => ((long)tokens * pitch, Size);

        public (long Image, long Head) Scores => (Heads * (long)Queries * Keys, (long)Queries * Keys);
    }
}
