using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>How a matrix product is computed. This is the one place that chooses: by the sizes, the type, the device and the libraries.</summary>
/// <param name="UsesCublas">cuBLAS; else the kernels of gemm.cu.</param>
/// <param name="Side">Rows and columns of a block's tile.</param>
/// <param name="Splits">Into how many pieces the sum over k is cut; they are added in their order.</param>
/// <param name="Depth">The length of a piece.</param>
/// <remarks>
/// The sizes decide the splits alone, so the same product gives the same bits on devices of one kind. A value is one chain of fused
/// multiply-adds along k in each of our tiles: the tile changes no bit and may follow the device, a split does. Tile and splits are those
/// of the least predicted time (<see cref="TileCost"/>). cuBLAS, with its workspace and one stream, gives the same bits for the same call on
/// the same kind of device, but chooses its algorithm by the number of rows too.
/// Tensor-core kernels will be further rows of this choice.
/// </remarks>
public readonly record struct GemmPlan(bool UsesCublas, int Side, int Splits, int Depth)
{
    private const int LeastDepth = 256;
    private const int MostSplits = 64;

    // Pieces are tried that fill 1 to so many rounds of blocks.
    private const int MostRounds = 16;

    // The wider one exists for F32 alone.
    private static readonly ConvTile[] Both = [ConvTile.Small, ConvTile.OfPixels[0]];

    /// <summary>The plan of a product.</summary>
    /// <param name="type">The type of all operands.</param>
    /// <param name="product">The product; its sizes count, not where it lies.</param>
    /// <param name="hasCublas">Whether cuBLAS is there and wanted.</param>
    /// <param name="gpu">The device, which decides the tile; null for <see cref="GpuShape.Nominal"/>.</param>
    public static GemmPlan Of(DType type, in MatrixProduct product, bool hasCublas, GpuShape? gpu = null)
    {
        if (hasCublas && CublasTakes(product))
            return new GemmPlan(true, 0, 1, product.K);
        var (splits, depth) = (1, Math.Max(product.K, 0));
        // A split changes bits: the same for every device.
        var least = Best(type, product, 1, depth, GpuShape.Nominal).Clocks;
        Span<int> pieces = stackalloc int[MostRounds];
        foreach (var wanted in pieces[..Pieces(product, pieces)])
        {
            var (cut, length) = ProductTiles.Cut(type, product.K, wanted, LeastDepth);
            var clocks = Best(type, product, cut, (int)length, GpuShape.Nominal).Clocks;
            if (cut > 1 && clocks < least)
                (splits, depth, least) = (cut, (int)length, clocks);
        }

        return new GemmPlan(false, Best(type, product, splits, depth, gpu ?? GpuShape.Nominal).Tile.Rows, splits, depth);
    }

    /// <summary>The predicted clocks of a product by our kernels: <see cref="TileCost"/>.</summary>
    /// <param name="tile">The tile of its blocks.</param>
    /// <param name="type">The type of all operands.</param>
    /// <param name="product">The product.</param>
    /// <param name="splits">Pieces of the sum over k.</param>
    /// <param name="depth">The length of a piece.</param>
    /// <param name="gpu">The device.</param>
    internal static double Clocks(ConvTile tile, DType type, in MatrixProduct product, int splits, long depth, GpuShape gpu)
    {
        // A step is 64 bytes long: half as many products in F64, which take twice as long where that is fast.
        var steps = ProductTiles.Count(depth, 64 / ProductTiles.AccumulatorBytes(type));
        return TileCost.Clocks(tile, tile.Blocks(product.M, product.N) * splits * product.Batch, steps, gpu)
            + TileCost.SplitClocks(splits, (double)product.M * product.N * product.Batch * ProductTiles.AccumulatorBytes(type));
    }

    /// <summary>The tiles that a product of a type can take.</summary>
    internal static ReadOnlySpan<ConvTile> Tiles(DType type) => type == DType.F32 ? Both : Both.AsSpan(0, 1);

    /// <summary>How many pieces are worth a look: those of which the blocks fill whole rounds of the nominal device, and no more; none for
    /// rows apart, nor where the blocks fill it twice without.</summary>
    /// <returns>How many numbers of pieces were written.</returns>
    internal static int Pieces(in MatrixProduct product, Span<int> pieces)
    {
        var blocks = ConvTile.Small.Blocks(product.M, product.N) * product.Batch;
        var most = Math.Min(product.K / LeastDepth, MostSplits);
        if (product.RowsApart || blocks == 0 || blocks >= 2 * GpuShape.Nominal.Multiprocessors)
            return 0;
        var count = 0;
        for (var round = 1; round <= MostRounds; round++)
        {
            var wanted = (int)Math.Min(round * GpuShape.Nominal.Multiprocessors / blocks, most);
            if (wanted > 1 && (count == 0 || wanted > pieces[count - 1]))
                pieces[count++] = wanted;
        }

        return count;
    }

    private static (ConvTile Tile, double Clocks) Best(DType type, in MatrixProduct product, int splits, int depth, GpuShape gpu)
    {
        var (best, least) = (ConvTile.Small, double.PositiveInfinity);
        foreach (var tile in Tiles(type))
        {
            var clocks = Clocks(tile, type, product, splits, depth, gpu);
            if (clocks < least)
                (best, least) = (tile, clocks);
        }

        return (best, least);
    }

    /// <summary>Bytes of workspace that the plan needs.</summary>
    /// <param name="type">The type of all operands.</param>
    /// <param name="product">The product of <see cref="Of"/>.</param>
    public long WorkspaceBytes(DType type, in MatrixProduct product) =>
        Splits == 1 ? 0 : Splits * product.Batch * product.M * product.N * ProductTiles.AccumulatorBytes(type);

    /// <summary>Whether a batch of two levels is one of a single stride, as cuBLAS wants it.</summary>
    internal static bool IsOneLevel(in MatrixProduct p) => p.Outer == 1 || p.Inner == 1 ||
        ((p.OuterStride.A, p.OuterStride.B, p.OuterStride.C) ==
            (p.Inner * p.InnerStride.A, p.Inner * p.InnerStride.B, p.Inner * p.InnerStride.C));

    private static bool CublasTakes(in MatrixProduct p) =>
        p is { RowsApart: false, Relu: false, Bias: 0, K: > 0, M: <= int.MaxValue, LeadingA: <= int.MaxValue, LeadingB: <= int.MaxValue, LeadingC: <= int.MaxValue }
        && IsOneLevel(p);
}
