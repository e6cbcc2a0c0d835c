using System.Runtime.ExceptionServices;
using EscNative.Kernels.Cpu;

namespace EscNative.Models.Data;

/// <summary>Reads files on as many threads as compute. They wait for disks and hold buffers, so they are not those of the kernels.</summary>
internal static class ParallelReads
{
    /// <summary>Calls a function for 0 .. count - 1. What it throws for the lowest number is thrown, once all calls have ended.</summary>
    /// <param name="count">How many.</param>
    /// <param name="read">The function.</param>
    public static void Run(int count, Action<int> read)
    {
        var failures = new (int Index, ExceptionDispatchInfo? Failure)[1];
        failures[0] = (int.MaxValue, null);
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = CpuParallel.Threads }, (i, state) =>
        {
            try
            {
                if (i < Volatile.Read(ref failures[0].Index))
                    read(i);
            }
            catch (Exception failure)
            {
                lock (failures)
                {
                    if (i < failures[0].Index)
                        failures[0] = (i, ExceptionDispatchInfo.Capture(failure));
                }
            }
        });
        failures[0].Failure?.Throw();
    }
}
