namespace EscNative.Kernels.Cuda;

/// <summary>What a launch of the product kernels (tile.cuh) is predicted to take, in clocks of a multiprocessor. The choice of tiles, of
/// splits and of a plan's chunk compares these numbers, and <c>kernels --predict</c> shows them.</summary>
/// <remarks>
/// <para>A block's warps issue a step's instructions through the multiprocessor's four schedulers; blocks that share a multiprocessor share
/// the schedulers, and fill them the better the more there are. So a launch takes as long as the multiprocessor with the most blocks:
/// whole rounds of as many as fit at once, then the rest.</para>
/// <para>Nothing here is measured yet. The instructions of a step were counted in the machine code of NVRTC 12.4 for sm_90
/// (the table of kernels, ProductVariants); the other constants are estimates for an H200, to be replaced by those of the first run on one.</para>
/// </remarks>
public static class TileCost
{
    /// <summary>Clocks of a block beside its steps: the places of its windows, the first loads, the results.</summary>
    internal const double BlockClocks = 2500;

    /// <summary>Clocks from the end of a kernel to the beginning of the next one in a graph: 2 µs at 1.98 GHz.</summary>
    public const double LaunchClocks = 4000;

    // A block has eight warps, two for each of the four schedulers.
    private const int WarpsOfAScheduler = 2;

    // Of a device's memory, at 1.98 GHz: 4.8 TB/s, as an H200 has.
    private const double BytesPerClock = 2400;

    // The share of issue slots that 1, 2 and 3 resident blocks fill: more warps hide more of each other's waits.
    private static readonly double[] Busy = [0, 0.60, 0.80, 0.85];

    /// <summary>A convolution or linear layer in float32, by the kernel that it takes.</summary>
    /// <param name="pixels">Pixels of the result, of all images.</param>
    /// <param name="channels">Channels of the result.</param>
    /// <param name="depth">Products of a value.</param>
    /// <param name="gpu">The device.</param>
    /// <returns>Clocks, without the launch itself.</returns>
    public static double OfPixels(long pixels, int channels, long depth, GpuShape gpu) =>
        Clocks(new ProductRequest(ProductPass.Forward, DType.F32, pixels, channels, depth, gpu));

    /// <summary>A launch of the kernel that the table picks.</summary>
    internal static double Clocks(in ProductRequest request) => ProductVariants.Pick(request).Clocks(request);

    /// <summary>A launch of tiles of one size.</summary>
    /// <param name="tile">The kernel.</param>
    /// <param name="blocks">Blocks of the launch.</param>
    /// <param name="steps">Steps along k of each.</param>
    /// <param name="gpu">The device.</param>
    /// <param name="more">Instructions of a step beside those of the tile.</param>
    /// <returns>Clocks; never fewer for more blocks or more steps, nor for fewer multiprocessors.</returns>
    internal static double Clocks(ProductVariant tile, long blocks, long steps, GpuShape gpu, int more = 0)
    {
        var (rounds, rest) = Math.DivRem(ProductTiles.Count(blocks, gpu.Multiprocessors), tile.Resident);
        return BlockTime(tile, steps, gpu, more) * ((rounds * Together(tile.Resident)) + Together((int)rest));
    }

    /// <summary>The sums behind a product that was split: its pieces are written, and read again by another launch.</summary>
    /// <param name="splits">Pieces; 1 costs nothing.</param>
    /// <param name="bytes">Bytes of one piece.</param>
    internal static double SplitClocks(int splits, double bytes) => splits == 1 ? 0 : LaunchClocks + (((2.0 * splits) + 1) * bytes / BytesPerClock);

    // Alone and with every slot filled.
    private static double BlockTime(ProductVariant tile, long steps, GpuShape gpu, int more) =>
        BlockClocks + ((double)WarpsOfAScheduler * Math.Max(tile.StepInstructions + more, gpu.MultiplyAddClocks * tile.StepMultiplyAdds) * steps);

    // Of so many resident blocks, in units of one alone.
    private static double Together(int blocks) => blocks == 0 ? 0 : blocks / Busy[Math.Min(blocks, Busy.Length - 1)];
}
