using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>How kernels that reduce rows share them out: a warp for a short row, a block for a long one.</summary>
internal static class RowGroups
{
    private const uint Block = 256;
    private const long LongestOfAWarp = 1024;

    /// <summary>Threads that work on a row of so many values.</summary>
    public static int Threads(long extent) => extent <= LongestOfAWarp ? 32 : (int)Block;

    /// <summary>The launch for so many rows.</summary>
    public static LaunchShape Shape(long rows, int threads)
    {
        var perBlock = Block / (uint)threads;
        return new LaunchShape((uint)Math.Clamp((rows + perBlock - 1) / perBlock, 1, Math.Min(LaunchShape.MostBlocks, 1 << 16)), 1, 1, Block);
    }
}
