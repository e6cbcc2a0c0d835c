namespace EscNative.Kernels.Cuda;

/// <summary>How a matrix product is computed. This is the one place that chooses: by the sizes, the type, the device and the libraries.</summary>
/// <param name="UsesCublas">cuBLAS; else the kernels of gemm.cu.</param>
/// <param name="Side">Rows and columns of a block's tile.</param>
/// <param name="Splits">Into how many pieces the sum over k is cut; they are added in their order.</param>
/// <param name="Depth">The length of a piece.</param>
/// <remarks>
/// The sizes decide alone, so the same product gives the same bits on devices of one kind. A value is one chain of fused
/// multiply-adds along k in each of our tiles: the tile changes no bit, a split does. cuBLAS, with its workspace and one stream, gives
/// the same bits for the same call on the same kind of device, but chooses its algorithm by the number of rows too.
/// Tensor-core kernels will be further rows of this choice.
/// </remarks>
public readonly record struct GemmPlan(bool UsesCublas, int Side, int Splits, int Depth)
{
    // A wave: about one block for each of an A100's or H100's 108 to 132 multiprocessors.
    private const int Wave = 128;
    private const int LeastDepth = 256;
    private const int MostSplits = 64;

    /// <summary>The plan of a product.</summary>
    /// <param name="type">The type of all operands.</param>
    /// <param name="product">The product; its sizes count, not where it lies.</param>
    /// <param name="hasCublas">Whether cuBLAS is there and wanted.</param>
    public static GemmPlan Of(StorageType type, in MatrixProduct product, bool hasCublas)
    {
        if (hasCublas && CublasTakes(product))
            return new GemmPlan(true, 0, 1, product.K);
        // The wider tile exists for F32: it reads half as much, if there are enough of them.
        var side = type == StorageType.F32 && Blocks(product, 128) >= Wave ? 128 : 64;
        if (product.RowsApart)
            return new GemmPlan(false, side, 1, product.K);
        var wanted = Math.Clamp(Wave / Math.Max(Blocks(product, 64), 1), 1, MostSplits);
        var (splits, depth) = ProductTiles.Cut(type, product.K, (int)wanted, LeastDepth);
        return new GemmPlan(false, splits > 1 ? 64 : side, splits, (int)depth);
    }

    /// <summary>Bytes of workspace that the plan needs.</summary>
    /// <param name="type">The type of all operands.</param>
    /// <param name="product">The product of <see cref="Of"/>.</param>
    public long WorkspaceBytes(StorageType type, in MatrixProduct product) =>
        Splits == 1 ? 0 : Splits * product.Batch * product.M * product.N * ProductTiles.AccumulatorBytes(type);

    /// <summary>Whether a batch of two levels is one of a single stride, as cuBLAS wants it.</summary>
    internal static bool IsOneLevel(in MatrixProduct p) => p.Outer == 1 || p.Inner == 1 ||
        ((p.OuterStride.A, p.OuterStride.B, p.OuterStride.C) ==
            (p.Inner * p.InnerStride.A, p.Inner * p.InnerStride.B, p.Inner * p.InnerStride.C));

    private static bool CublasTakes(in MatrixProduct p) =>
        p is { RowsApart: false, Relu: false, Bias: 0, K: > 0, M: <= int.MaxValue, LeadingA: <= int.MaxValue, LeadingB: <= int.MaxValue, LeadingC: <= int.MaxValue }
        && IsOneLevel(p);

    private static long Blocks(in MatrixProduct p, int side) => ProductTiles.Count(p.M, side) * ProductTiles.Count(p.N, side) * p.Batch;
}
