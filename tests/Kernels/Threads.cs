using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Runs one computation with 1, 2 and 5 threads and asserts equal bits.</summary>
public static class Threads
{
    public static void AssertSameBits<T>(Func<T[]> compute)
        where T : unmanaged
    {
        var before = CpuParallel.Threads;
        try
        {
            CpuParallel.Threads = 1;
            var one = compute();
            foreach (var threads in (int[])[2, 5])
            {
                CpuParallel.Threads = threads;
                Assert.True(
                    System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(one)
                        .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(compute())),
                    $"{threads} threads give other bits than one");
            }
        }
        finally
        {
            CpuParallel.Threads = before;
        }
    }
}
