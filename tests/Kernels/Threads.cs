using System.Runtime.InteropServices;

namespace EscNative.Tests.Kernels;

/// <summary>Runs one computation with 1, 2 and 5 threads and asserts equal bits.</summary>
internal static class Threads
{
    public static void AssertSameBits<T>(Func<T[]> compute)
        where T : unmanaged
    {
        T[]? first = null;
        CpuThreads.ForEach([1, 2, 5], threads =>
        {
            var values = compute();
            first ??= values;
            Assert.True(
                MemoryMarshal.AsBytes<T>(first).SequenceEqual(MemoryMarshal.AsBytes<T>(values)),
                $"{threads} threads give other bits than one");
        });
    }
}
