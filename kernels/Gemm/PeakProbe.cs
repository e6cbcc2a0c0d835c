using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace EscNative.Kernels.Cpu;

/// <summary>What the processor can compute at most: the figure of which kernels reach a percentage.</summary>
public static unsafe class PeakProbe
{
    private const int Rounds = 10;
    private const int FmasPerStep = 12;

    /// <summary>Measures fused multiply-adds in float, with the vectors that the kernels use.</summary>
    /// <param name="threads">How many threads compute at once; each has chains of its own.</param>
    /// <returns>10^9 floating-point operations a second, of all threads together; the best of several rounds.</returns>
    public static double MeasureFmaGflops(int threads) => Measure(threads, GemmKernelSet.VectorBits / 32, GemmKernelSet.VectorBits switch
    {
        512 => &Chain512,
        256 => &Chain256,
        _ => &Chain128,
    });

    /// <summary>Measures fused multiply-adds in double. See <see cref="MeasureFmaGflops"/>.</summary>
    /// <param name="threads">How many threads compute at once.</param>
    public static double MeasureFmaGflopsF64(int threads) => Measure(threads, GemmKernelSet.VectorBits / 64, GemmKernelSet.VectorBits switch
    {
        512 => &FmaChains512.F64,
        256 => &FmaChains256.F64,
        _ => &FmaChains128.F64,
    });

    private static double Chain512(long count) => FmaChains512.F32(count);

    private static double Chain256(long count) => FmaChains256.F32(count);

    private static double Chain128(long count) => FmaChains128.F32(count);

    private static double Measure(int threads, int lanes, delegate*<long, double> chain)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        var sink = chain(1000);
        var steps = StepsFor(chain, TimeSpan.FromMilliseconds(10));
        var best = double.PositiveInfinity;
        using var start = new Barrier(threads);
        var seconds = new double[threads];
        var sums = new double[threads];
        var team = new Thread[threads];
        Exception? failure = null;
        var started = 0;
        try
        {
            for (; started < threads; started++)
            {
                var mine = started;
                team[mine] = new Thread(() =>
                {
                    try
                    {
                        Work(mine);
                    }
                    catch (Exception e)
                    {
                        // The others do not wait for this one any more.
                        Interlocked.CompareExchange(ref failure, e, null);
                        start.RemoveParticipant();
                    }
                });
                team[mine].Start();
            }
        }
        finally
        {
            if (started < threads)
                start.RemoveParticipants(threads - started);
            foreach (var thread in team.AsSpan(0, started))
                thread.Join();
        }

        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        if (!double.IsFinite(sink + sums.Sum()))
            throw new InvalidOperationException("the FMA chains do not converge");
        return 2e-9 * lanes * FmasPerStep * steps * threads / best;

        void Work(int mine)
        {
            for (var round = 0; round < Rounds; round++)
            {
                start.SignalAndWait();
                var began = Stopwatch.GetTimestamp();
                sums[mine] += chain(steps);
                seconds[mine] = Stopwatch.GetElapsedTime(began).TotalSeconds;
                start.SignalAndWait();
                if (mine == 0)
                    best = Math.Min(best, seconds.Max());
            }
        }
    }

    private static long StepsFor(delegate*<long, double> chain, TimeSpan time)
    {
        for (var steps = 1L << 12; ; steps *= 2)
        {
            var began = Stopwatch.GetTimestamp();
            _ = chain(steps);
            if (Stopwatch.GetElapsedTime(began) >= time)
                return steps;
        }
    }
}
