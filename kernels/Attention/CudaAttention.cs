namespace EscNative.Kernels.Cuda;

/// <summary>Scaled dot-product attention on a GPU: two batches of products, one matrix for each head of each image, with a softmax between.</summary>
/// <param name="gemm">The products.</param>
/// <param name="softmax">The softmax.</param>
public sealed class CudaAttention(CudaGemm gemm, SoftmaxKernels softmax)
{
    /// <summary>Bytes of workspace: the scores of all heads.</summary>
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
        DType type, int images, int queries, int keys, int width, int heads, nint q, nint k, nint v, nint y, nint workspace)
    {
        var size = width / heads;
        long ask = (long)queries * width, answer = (long)keys * width, table = (long)queries * keys;
        gemm.Multiply(
            type,
            new MatrixProduct(q, false, width, k, true, width, workspace, keys, queries, keys, size)
            {
                Outer = images,
                Inner = heads,
                OuterStride = (ask, answer, heads * table),
                InnerStride = (size, size, table),
                Alpha = 1 / Math.Sqrt(size),
                RowsApart = true,
            },
            0);
        softmax.Forward(type, workspace, workspace, (long)images * heads * queries, keys, log: false);
        gemm.Multiply(
            type,
            new MatrixProduct(workspace, false, keys, v, false, width, y, width, queries, size, keys)
            {
                Outer = images,
                Inner = heads,
                OuterStride = (heads * table, answer, ask),
                InnerStride = (table, size, size),
                RowsApart = true,
            },
            0);
    }
}
