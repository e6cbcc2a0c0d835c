using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>Runs a job at the widest registers of this machine, in parallel.</summary>
internal static class SimdRunner
{
    /// <summary>Values in a tile of cheap elementwise work. Fixed, so that cuts never depend on the number of threads.</summary>
    public const long TileValues = 65536;

    /// <summary>Computes tiles 0 .. <paramref name="tiles"/> - 1.</summary>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is neither float nor double.</exception>
    public static void Run<T, TJob>(long tiles, TJob job)
        where T : unmanaged
        where TJob : unmanaged, ISimdJob<T>
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
            throw new NotSupportedException($"a CPU kernel got values of {typeof(T).Name}, wants float or double");
        var count = checked((int)tiles);
        if (Vector512.IsHardwareAccelerated)
            CpuParallel.Run(count, new Tiles<T, Simd512<T>, TJob>(job));
        else if (Vector256.IsHardwareAccelerated && Fma.IsSupported)
            CpuParallel.Run(count, new Tiles<T, Simd256<T>, TJob>(job));
        else
            CpuParallel.Run(count, new Tiles<T, Simd128<T>, TJob>(job));
    }

    /// <summary>How many tiles of <paramref name="size"/> cover <paramref name="count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long TilesOf(long count, long size) => (count + size - 1) / size;

    /// <summary>How many rows of <paramref name="width"/> values make a tile of about <paramref name="values"/> values.</summary>
    public static long RowsPerTile(long width, long values = TileValues) => Math.Max(1, values / Math.Max(1, width));

    private readonly struct Tiles<T, V, TJob>(TJob job) : ITileJob
        where T : unmanaged
        where V : unmanaged, ISimd<V, T>
        where TJob : unmanaged, ISimdJob<T>
    {
        private readonly TJob _job = job;

        public void Execute(int tile, int worker) => _job.Execute<V>(tile);
    }
}
