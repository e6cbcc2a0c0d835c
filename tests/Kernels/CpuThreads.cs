using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Tests that set the number of threads share a collection: it belongs to the process.</summary>
internal static class CpuThreads
{
    public const string Collection = "the number of CPU threads";

    /// <summary>Tests that must own the team of threads: while they run, no other test does.</summary>
    public const string Alone = "the team of CPU threads";

    /// <summary>Runs an action with each number of threads, and restores the number.</summary>
    public static void ForEach(ReadOnlySpan<int> counts, Action<int> action)
    {
        var before = CpuParallel.Threads;
        try
        {
            foreach (var count in counts)
            {
                CpuParallel.Threads = count;
                action(count);
            }
        }
        finally
        {
            CpuParallel.Threads = before;
        }
    }
}
