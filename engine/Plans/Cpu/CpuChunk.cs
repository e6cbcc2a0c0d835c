namespace EscNative.Engine.Plans;

/// <summary>How many images a thread of the CPU takes through a network at a time.</summary>
/// <remarks>
/// Few images stay in the cache from one step to the next; many share the weights, which come from memory once a chunk where the cache
/// does not hold those of the whole network. What is compared is the traffic of an image: of activations and weights, where what a cache
/// holds costs less.
/// </remarks>
internal static class CpuChunk
{
    // A thread's share of the last cache.
    private const double CacheBytes = 4 << 20;

    // A byte from the last cache, in bytes from memory: 50 and 6 GB/s for a thread of an AMD EPYC of the Zen 3 generation.
    private const double CachedByte = 0.12;

    // More would take memory for little.
    private const int MostImages = 32;
    private const double MostArenaBytes = 64 << 20;

    /// <summary>The power of two whose traffic is least.</summary>
    public static int Images(PlanGraph graph, PlanOptions options)
    {
        var arena = ArenaLayout.Of(graph, 1).Floats * (double)sizeof(float);
        var most = options.ImagesPerRun > 0 ? Math.Min(options.ImagesPerRun, MostImages) : MostImages;
        var (best, least) = (1, double.PositiveInfinity);
        for (var images = 1; images == 1 || (images < 2 * most && images * arena <= MostArenaBytes); images *= 2)
        {
            var traffic = Traffic(graph, images, options);
            // A larger chunk is to be worth its memory.
            if (traffic < 0.98 * least)
                (best, least) = (images, traffic);
        }

        return best;
    }

    private static double Traffic(PlanGraph graph, int images, PlanOptions options)
    {
        var weights = graph.Nodes.Sum(n => n.WeightTraffic(options));
        var activations = 0.0;
        foreach (var node in graph.Nodes)
        {
            var bytes = node.Inputs.Append(node.Output).Distinct().Sum(v => v.Floats) * (double)sizeof(float);
            activations += Cost(bytes, images * bytes);
        }

        return activations + Cost(weights, weights) / images;
    }

    // What lies in more bytes than the cache holds comes from memory.
    private static double Cost(double bytes, double together) => together > CacheBytes ? bytes : CachedByte * bytes;
}
