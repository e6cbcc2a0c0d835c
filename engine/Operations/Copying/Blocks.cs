namespace EscNative.Engine.Plans;

/// <summary>Copies of blocks of values on the CPU, for what a plan cuts and joins.</summary>
internal static unsafe class Blocks
{
    /// <summary>Copies blocks that stand apart.</summary>
    /// <param name="count">How many.</param>
    /// <param name="length">Values of each.</param>
    /// <param name="from">The first.</param>
    /// <param name="fromPitch">Values from one to the next.</param>
    /// <param name="to">Where the first goes; no overlap.</param>
    /// <param name="toPitch">Values from one to the next.</param>
    public static void Copy(long count, long length, float* from, long fromPitch, float* to, long toPitch)
    {
        for (var i = 0L; i < count; i++)
            Buffer.MemoryCopy(from + (i * fromPitch), to + (i * toPitch), length * sizeof(float), length * sizeof(float));
    }
}
