namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Blocks and threads of a launch. Blocks of threads are one-dimensional always.</summary>
/// <param name="GridX">Blocks along x, up to 2^31 - 1.</param>
/// <param name="GridY">Blocks along y, up to 65,535.</param>
/// <param name="GridZ">Blocks along z, up to 65,535.</param>
/// <param name="BlockX">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block, in bytes.</param>
public readonly record struct LaunchShape(uint GridX, uint GridY, uint GridZ, uint BlockX, uint SharedBytes = 0)
{
    // The driver's limit.
    private const long DriversLimit = int.MaxValue;

    [ThreadStatic]
    private static long s_lowered;

    /// <summary>The most blocks of a kernel that loops over its grid, in launches by the calling thread. Tests lower it, so that the
    /// loops go round more than once; 0 restores the driver's limit.</summary>
    internal static long MostBlocks
    {
        get => s_lowered > 0 ? s_lowered : DriversLimit;
        set => s_lowered = value;
    }

    /// <summary>As many threads as it takes to give each one <paramref name="perThread"/> of <paramref name="count"/> items.</summary>
    /// <param name="count">Items, 1 or more. The kernel must loop over the grid: there may be fewer blocks than items ask for.</param>
    /// <param name="perThread">Items a thread.</param>
    /// <param name="block">Threads a block.</param>
    public static LaunchShape ForCount(long count, int perThread = 1, uint block = 256)
    {
        var perBlock = (long)perThread * block;
        return new LaunchShape((uint)Math.Min(((count - 1) / perBlock) + 1, MostBlocks), 1, 1, block);
    }

    /// <summary>One block for each of <paramref name="count"/> items (rows, say).</summary>
    /// <param name="count">Items, 1 or more. The kernel must loop over the grid: there may be fewer blocks than items.</param>
    /// <param name="block">Threads a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block, in bytes.</param>
    public static LaunchShape ForRows(long count, uint block = 256, uint sharedBytes = 0) =>
        new((uint)Math.Min(count, MostBlocks), 1, 1, block, sharedBytes);
}
