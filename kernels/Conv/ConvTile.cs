using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>A tile of the product kernels (tile.cuh) and what a step of it takes. This is the one place that chooses a convolution's: by the
/// sizes, the type and the device.</summary>
/// <param name="Rows">Pixels of a block, or output channels for the weight gradient.</param>
/// <param name="Columns">Channels of a block, or values of a window for the weight gradient.</param>
/// <param name="StepInstructions">Instructions of a warp in a step of 16 products along k: those that multiply, and the loads, addresses and
/// barriers beside them.</param>
/// <param name="Resident">Blocks that a multiprocessor holds at least: 65,536 registers by 256 threads of 128 or 80 registers (the kernels' launch
/// bounds and budgets); shared memory would allow as many.</param>
/// <remarks>
/// <para>The tile changes no bit of a result, so it may follow the number of images and the device. Tensor-core tiles will be further rows
/// here. A window of one pixel stays here too: as a matrix product it would cost the same, and cuBLAS would round a row differently for
/// another number of rows.</para>
/// <para>Instructions counted in the machine code of conv_forward, NVRTC 12.4 for sm_90: multiply-adds are 77 % of a whole step with
/// 128 x 128, 70 with 128 x 96, 67 with 128 x 64, 61 with 128 x 48 and 49 with 64 x 64. A matrix product computes fewer addresses and is taken to
/// cost the same; the weight gradient's 96 x 128 is taken for 128 x 96. Not timed on any GPU.</para>
/// </remarks>
internal readonly record struct ConvTile(int Rows, int Columns, int StepInstructions, int Resident)
{
    /// <summary>The tile that exists for every type.</summary>
    public static readonly ConvTile Small = new(64, 64, 526, 3);

    /// <summary>Those of the forward pass and the data gradient in F32, besides. A matrix product has the first.</summary>
    public static readonly ConvTile[] OfPixels = [new(128, 128, 1336, 2), new(128, 96, 1090, 2), new(128, 64, 765, 2), new(128, 48, 628, 2)];

    /// <summary>Those of the weight gradient in F32, besides.</summary>
    public static readonly ConvTile[] OfWeights = [new(128, 128, 1336, 2), new(96, 128, 1090, 2)];

    /// <summary>Products along k of a step, in F32 and BF16; F64 has half as many.</summary>
    public const int StepDepth = 16;

    // Windows and weights that do not begin at every 16 bytes (three channels) are loaded value by value: some 600 instructions a step.
    private const int ValuesOfAChunk = 4;
    private const int ByValueInstructions = 600;

    private const int LeastDepth = 512;
    private const int MostSplits = 64;

    // Pieces are tried that fill 1 to so many rounds of blocks; with 6 the best of others was predicted 1.45 times as fast, with 16 1.1 times.
    private const int MostRounds = 16;

    /// <summary>Multiply-adds of a warp in a step: a thread has a 256th of the tile.</summary>
    public int StepMultiplyAdds => Rows * Columns * StepDepth / (int)ProductTiles.Threads;

    /// <summary>The tile of a forward pass or, with the input's channels, of a data gradient: that of the least predicted time.</summary>
    /// <param name="type">The type of all operands.</param>
    /// <param name="pixels">Pixels of the result.</param>
    /// <param name="channels">Channels of the result.</param>
    /// <param name="depth">Products of a value.</param>
    /// <param name="gpu">The device.</param>
    public static ConvTile ForPixels(DType type, long pixels, int channels, long depth, GpuShape gpu)
    {
        var best = Small;
        if (type != DType.F32)
            return best;
        var least = best.Clocks(pixels, channels, depth, gpu);
        foreach (var tile in OfPixels)
        {
            var clocks = tile.Clocks(pixels, channels, depth, gpu);
            if (clocks < least)
                (best, least) = (tile, clocks);
        }

        return best;
    }

    /// <summary>The tile of a weight gradient: whose tiles take the fewest instructions, as its sum is cut until the device is busy. The cut
    /// follows from it, so the device has no say.</summary>
    public static ConvTile ForWeights(DType type, int outputs, int taps)
    {
        var best = Small;
        foreach (var tile in type == DType.F32 ? OfWeights : [])
        {
            if (tile.Blocks(outputs, taps) * tile.StepInstructions < best.Blocks(outputs, taps) * best.StepInstructions)
                best = tile;
        }

        return best;
    }

    /// <summary>The predicted clocks of a launch that covers a result: <see cref="TileCost"/>.</summary>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Columns of the result.</param>
    /// <param name="depth">Products of a value.</param>
    /// <param name="gpu">The device.</param>
    public double Clocks(long rows, long columns, long depth, GpuShape gpu) =>
        TileCost.Clocks(this, Blocks(rows, columns), ProductTiles.Count(depth, StepDepth), gpu, depth % ValuesOfAChunk == 0 ? 0 : ByValueInstructions);

    /// <summary>Into how many pieces a weight gradient's sum over the output pixels is cut, and how long they are: those of the least
    /// predicted time on the nominal device. The cut changes bits, so no other device may change it.</summary>
    public static (int Splits, int Depth) CutOf(DType type, in WindowShape s, ConvTile tile)
    {
        var blocks = Math.Max(tile.Blocks(s.OutChannels, s.Taps), 1);
        // A piece's pixels are counted in 32 bits.
        var fewest = (int)Math.Max(ProductTiles.Count(s.OutPixels, 1 << 30), 1);
        var best = Cut(type, s, fewest);
        var least = CutClocks(type, s, tile, best);
        for (var round = 1; round <= MostRounds; round++)
        {
            var wanted = (int)Math.Min(round * GpuShape.Nominal.Multiprocessors / blocks, MostSplits);
            if (wanted <= fewest)
                continue;
            var cut = Cut(type, s, wanted);
            var clocks = CutClocks(type, s, tile, cut);
            if (clocks < least)
                (best, least) = (cut, clocks);
        }

        return best;
    }

    /// <summary>The predicted clocks of a weight gradient on the nominal device.</summary>
    internal static double CutClocks(DType type, in WindowShape s, ConvTile tile, (int Splits, int Depth) cut) =>
        TileCost.Clocks(
            tile, tile.Blocks(s.OutChannels, s.Taps) * cut.Splits, ProductTiles.Count(cut.Depth, 64 / ProductTiles.AccumulatorBytes(type)), GpuShape.Nominal)
        + TileCost.SplitClocks(cut.Splits, (double)s.OutChannels * s.Taps * ProductTiles.AccumulatorBytes(type));

    /// <summary>How many tiles cover a result.</summary>
    public long Blocks(long rows, long columns) => ProductTiles.Count(rows, Rows) * ProductTiles.Count(columns, Columns);

    private static (int Splits, int Depth) Cut(DType type, in WindowShape s, int wanted)
    {
        var (splits, depth) = ProductTiles.Cut(type, s.OutPixels, wanted, LeastDepth);
        return (splits, (int)depth);
    }

    /// <summary>The end of the kernels' names.</summary>
    public override string ToString() => FormattableString.Invariant($"{Rows}x{Columns}");
}
