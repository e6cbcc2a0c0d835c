using EscNative.Kernels.Cuda;

namespace EscNative.Engine.Plans;

/// <summary>How many images a plan takes through the network at a time on a GPU.</summary>
/// <remarks>
/// <para>In float32 the kernels wait for arithmetic, not for memory, so what matters is that every layer has whole rounds of blocks for all
/// multiprocessors: the last layers have the fewest pixels, and a network at the pace of its first ones only when those are filled too. The
/// rule: of the multiples of 16, from <see cref="FewestImages"/> (or five for each multiprocessor, whichever is less: a small device is full sooner)
/// to <see cref="MostImages"/>, the least whose predicted time an image (<see cref="TileCost"/>) is within 2 % of the best of them. Where the
/// caller knows how many images a run has, that run's time is compared, its remainder included, and the even parts of it are looked at too.</para>
/// <para>A context takes at most an eighth of the memory that is free when the plan is compiled; then as many images as have room in it.</para>
/// </remarks>
internal static class CudaChunk
{
    /// <summary>A large device has no smaller chunk, if its memory allows it.</summary>
    public const int FewestImages = 512;

    /// <summary>No device has a larger one.</summary>
    public const int MostImages = 2048;

    private const int Unit = 16;
    private const int ImagesOfAMultiprocessor = 5;
    private const int MemoryShare = 8;
    private const int EvenParts = 16;
    private const double Tolerance = 1.02;

    /// <summary>The chunk.</summary>
    /// <param name="layers">The plan's products.</param>
    /// <param name="steps">How many launches a chunk takes, these among them.</param>
    /// <param name="bytesPerImage">Device memory that an image takes.</param>
    /// <param name="gpu">The device.</param>
    /// <param name="freeBytes">Its memory that is free.</param>
    /// <param name="imagesPerRun">How many images a run has; 0 where nobody knows.</param>
    public static int Choose(IReadOnlyList<ProductLayer> layers, int steps, long bytesPerImage, GpuShape gpu, long freeBytes, int imagesPerRun)
    {
        var most = (int)Math.Clamp(freeBytes / MemoryShare / Math.Max(bytesPerImage, 1), 1, MostImages);
        if (imagesPerRun > 0)
            most = Math.Min(most, imagesPerRun);
        var fewest = Math.Min(Math.Min(FewestImages, ImagesOfAMultiprocessor * gpu.Multiprocessors), most);
        var candidates = new SortedSet<int> { most };
        for (var chunk = (fewest + Unit - 1) / Unit * Unit; chunk < most; chunk += Unit)
            candidates.Add(chunk);
        for (var parts = 1; parts <= EvenParts && imagesPerRun > 0; parts++)
        {
            if ((imagesPerRun + parts - 1) / parts is var even && even >= fewest && even <= most)
                candidates.Add(even);
        }

        var times = candidates.Select(chunk => (Chunk: chunk, Clocks: ClocksOfAnImage(layers, steps, chunk, gpu, imagesPerRun))).ToArray();
        var best = times.Min(t => t.Clocks);
        return times.First(t => t.Clocks <= Tolerance * best).Chunk;
    }

    /// <summary>The predicted clocks of the launches for some images at once.</summary>
    public static double Clocks(IReadOnlyList<ProductLayer> layers, int steps, int images, GpuShape gpu)
    {
        var clocks = steps * TileCost.LaunchClocks;
        foreach (var layer in layers)
            clocks += TileCost.OfPixels(layer.Pixels * images, layer.Channels, layer.Depth, gpu);

        return clocks;
    }

    private static double ClocksOfAnImage(IReadOnlyList<ProductLayer> layers, int steps, int chunk, GpuShape gpu, int imagesPerRun)
    {
        if (imagesPerRun == 0)
            return Clocks(layers, steps, chunk, gpu) / chunk;
        var (whole, rest) = Math.DivRem(imagesPerRun, chunk);
        return ((whole * Clocks(layers, steps, chunk, gpu)) + (rest == 0 ? 0 : Clocks(layers, steps, rest, gpu))) / imagesPerRun;
    }
}
