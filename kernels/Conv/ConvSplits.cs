namespace EscNative.Kernels.Cuda;

/// <summary>Into how many pieces a weight gradient's sum over the output pixels is cut.</summary>
internal static class ConvSplits
{
    private const int LeastDepth = 512;
    private const int MostSplits = 64;

    // Pieces are tried that fill 1 to so many rounds of blocks; with 6 the best of others was predicted 1.45 times as fast, with 16 1.1 times.
    private const int MostRounds = 16;

    /// <summary>The pieces and how long they are: those of the least predicted time on the nominal device. The cut changes bits, so no other
    /// device may change it.</summary>
    public static (int Splits, int Depth) Of(DType type, in WindowShape s, ProductVariant kernel)
    {
        var blocks = Math.Max(kernel.Blocks(s.OutChannels, s.Taps), 1);
        // A piece's pixels are counted in 32 bits.
        var fewest = (int)Math.Max(ProductTiles.Count(s.OutPixels, 1 << 30), 1);
        var best = Cut(type, s, fewest);
        var least = Clocks(type, s, kernel, best);
        for (var round = 1; round <= MostRounds; round++)
        {
            var wanted = (int)Math.Min(round * GpuShape.Nominal.Multiprocessors / blocks, MostSplits);
            if (wanted <= fewest)
                continue;
            var cut = Cut(type, s, wanted);
            var clocks = Clocks(type, s, kernel, cut);
            if (clocks < least)
                (best, least) = (cut, clocks);
        }

        return best;
    }

    /// <summary>The predicted clocks of a weight gradient on the nominal device, the sum of its pieces included.</summary>
    public static double Clocks(DType type, in WindowShape s, ProductVariant kernel, (int Splits, int Depth) cut) =>
        kernel.Clocks(ProductRequest.WeightGradient(type, s) with { Depth = cut.Depth, Copies = cut.Splits })
        + TileCost.SplitClocks(cut.Splits, (double)s.OutChannels * s.Taps * ProductTiles.AccumulatorBytes(type));

    private static (int Splits, int Depth) Cut(DType type, in WindowShape s, int wanted)
    {
        var (splits, depth) = ProductTiles.Cut(type, s.OutPixels, wanted, LeastDepth);
        return (splits, (int)depth);
    }
}
