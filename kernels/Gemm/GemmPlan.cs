namespace EscNative.Kernels.Cuda;

/// <summary>How a matrix product is computed. This is the one place that chooses: by the sizes, the type, the device and the libraries.</summary>
/// <param name="Kernel">The row of the table of kernels; null for cuBLAS.</param>
/// <param name="Splits">Into how many pieces the sum over k is cut; they are added in their order.</param>
/// <param name="Depth">The length of a piece.</param>
/// <remarks>
/// The sizes decide the splits alone, so the same product gives the same bits on devices of one kind. A value is one chain of fused
/// multiply-adds along k in each of our kernels: the kernel changes no bit and may follow the device, a split does. Kernel and splits are those
/// of the least predicted time (<see cref="ProductVariants"/>). cuBLAS, with its workspace and one stream, gives the same bits for the same call on
/// the same kind of device, but chooses its algorithm by the number of rows too.
/// </remarks>
internal readonly record struct GemmPlan(ProductVariant? Kernel, int Splits, int Depth)
{
    private const int LeastDepth = 256;
    private const int MostSplits = 64;

    // Pieces are tried that fill 1 to so many rounds of blocks.
    private const int MostRounds = 16;

    // The blocks that they are counted in, whatever kernel is taken in the end: with other numbers of pieces the bits would be others.
    private const int PiecesSide = 64;

    /// <summary>Whether it is cuBLAS that multiplies.</summary>
    public bool UsesCublas => Kernel is null;

    /// <summary>The plan of a product.</summary>
    /// <param name="type">The type of all operands.</param>
    /// <param name="product">The product; its sizes count, not where it lies.</param>
    /// <param name="hasCublas">Whether cuBLAS is there and wanted.</param>
    /// <param name="gpu">The device, which decides the kernel; null for <see cref="GpuShape.Nominal"/>.</param>
    public static GemmPlan Of(DType type, in MatrixProduct product, bool hasCublas, GpuShape? gpu = null)
    {
        if (hasCublas && CublasTakes(product))
            return new GemmPlan(null, 1, product.K);
        var (splits, depth) = (1, Math.Max(product.K, 0));
        // A split changes bits: the same for every device.
        var least = Clocks(type, product, 1, depth);
        Span<int> pieces = stackalloc int[MostRounds];
        foreach (var wanted in pieces[..Pieces(product, pieces)])
        {
            var (cut, length) = ProductTiles.Cut(type, product.K, wanted, LeastDepth);
            var clocks = Clocks(type, product, cut, (int)length);
            if (cut > 1 && clocks < least)
                (splits, depth, least) = (cut, (int)length, clocks);
        }

        return new GemmPlan(ProductVariants.Pick(ProductRequest.Matrix(type, product, splits, depth, gpu ?? GpuShape.Nominal)), splits, depth);
    }

    /// <summary>The predicted clocks of a product by our kernels: <see cref="TileCost"/>.</summary>
    /// <param name="kernel">The row.</param>
    /// <param name="type">The type of all operands.</param>
    /// <param name="product">The product.</param>
    /// <param name="splits">Pieces of the sum over k.</param>
    /// <param name="depth">The length of a piece.</param>
    /// <param name="gpu">The device.</param>
    internal static double Clocks(ProductVariant kernel, DType type, in MatrixProduct product, int splits, int depth, GpuShape gpu) =>
        kernel.Clocks(ProductRequest.Matrix(type, product, splits, depth, gpu)) + SplitClocks(type, product, splits);

    /// <summary>How many pieces are worth a look: those of which the blocks fill whole rounds of the nominal device, and no more; none for
    /// rows apart, nor where the blocks fill it twice without.</summary>
    /// <returns>How many numbers of pieces were written.</returns>
    internal static int Pieces(in MatrixProduct product, Span<int> pieces)
    {
        var blocks = ProductTiles.Count(product.M, PiecesSide) * ProductTiles.Count(product.N, PiecesSide) * product.Batch;
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

    // On the nominal device, by the kernel that it would take.
    private static double Clocks(DType type, in MatrixProduct product, int splits, int depth) =>
        TileCost.Clocks(ProductRequest.Matrix(type, product, splits, depth, GpuShape.Nominal)) + SplitClocks(type, product, splits);

    private static double SplitClocks(DType type, in MatrixProduct product, int splits) =>
        TileCost.SplitClocks(splits, (double)product.M * product.N * product.Batch * ProductTiles.AccumulatorBytes(type));

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
