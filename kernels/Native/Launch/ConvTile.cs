using EscNative.Kernels.Cpu;

namespace EscNative.Kernels.Cuda;

/// <summary>The tile of a convolution's blocks. This is the one place that chooses it: by the sizes and the type.</summary>
/// <param name="Rows">Pixels of a block, or output channels for the weight gradient.</param>
/// <param name="Columns">Channels of a block, or values of a window for the weight gradient.</param>
/// <param name="Efficiency">The share of multiplications among the inner loop's instructions, as seen in the machine code.</param>
/// <remarks>
/// The tile changes no bit of a result, so it may follow the number of images. Tensor-core tiles will be further rows here.
/// A window of one pixel stays here too: as a matrix product it would cost the same, and cuBLAS would round a row differently for
/// another number of rows.
/// </remarks>
internal readonly record struct ConvTile(int Rows, int Columns, double Efficiency)
{
    /// <summary>The tile that exists for every type.</summary>
    public static readonly ConvTile Small = new(64, 64, 0.77);

    /// <summary>Those of the forward pass and the data gradient in F32, besides.</summary>
    public static readonly ConvTile[] OfPixels = [new(128, 128, 0.9), new(128, 96, 0.88), new(128, 64, 0.85), new(128, 48, 0.81)];

    /// <summary>Those of the weight gradient in F32, besides.</summary>
    public static readonly ConvTile[] OfWeights = [new(128, 128, 0.9), new(96, 128, 0.84)];

    // A wave: about one block for each of an A100's or H100's 108 to 132 multiprocessors.
    private const int Wave = 128;
    private const int LeastDepth = 512;
    private const int MostSplits = 64;

    /// <summary>The tile of a forward pass or, with the input's channels, of a data gradient.</summary>
    public static ConvTile ForPixels(StorageType type, long pixels, int channels)
    {
        var best = Best(type, OfPixels, pixels, channels);
        // Too few blocks: smaller ones keep more of the device busy.
        return best.Blocks(pixels, channels) >= Wave ? best : Small;
    }

    /// <summary>The tile of a weight gradient; its sum is cut so that the device is busy.</summary>
    public static ConvTile ForWeights(StorageType type, int outputs, int taps) => Best(type, OfWeights, outputs, taps);

    /// <summary>Into how many pieces a weight gradient's sum over the output pixels is cut, and how long they are.</summary>
    public static (int Splits, int Depth) CutOf(StorageType type, in ConvShape s, ConvTile tile)
    {
        var blocks = Math.Max(tile.Blocks(s.OutChannels, s.Taps), 1);
        // A piece's pixels are counted in 32 bits.
        var least = Math.Max(Math.Clamp(2 * Wave / blocks, 1, MostSplits), ProductTiles.Count(s.OutPixels, 1 << 30));
        var (splits, depth) = ProductTiles.Cut(type, s.OutPixels, (int)least, LeastDepth);
        return (splits, (int)depth);
    }

    /// <summary>How many tiles cover a result.</summary>
    public long Blocks(long rows, long columns) => ProductTiles.Count(rows, Rows) * ProductTiles.Count(columns, Columns);

    /// <summary>The end of the kernels' names.</summary>
    public override string ToString() => FormattableString.Invariant($"{Rows}x{Columns}");

    private static ConvTile Best(StorageType type, ConvTile[] tiles, long rows, int columns)
    {
        var best = Small;
        foreach (var tile in type == StorageType.F32 ? tiles : [])
        {
            if (tile.Cost(rows, columns) < best.Cost(rows, columns))
                best = tile;
        }

        return best;
    }

    // What is multiplied, with the places of a tile that lie outside.
    private double Cost(long rows, long columns) => Blocks(rows, columns) * Rows * Columns / Efficiency;
}
