using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

[Collection(CpuThreads.Collection)]
public sealed unsafe class CpuParallelTests
{
    [Fact]
    public void Every_tile_is_computed_once_whether_workers_watch_yield_or_sleep()
    {
        const int Most = 40;
        using var counts = new GuardedBuffer<int>(Most);
        CpuThreads.ForEach([2, 5, 1, 3], threads =>
        {
            var random = new Random(threads);
            for (var round = 0; round < 300; round++)
            {
                var tiles = random.Next(Most + 1);
                counts.Span.Clear();
                CpuParallel.Run(tiles, new CountJob(counts.Pointer, round % 7 == 0 ? 20_000 : 10));
                for (var tile = 0; tile < Most; tile++)
                    Assert.Equal(tile < tiles ? 1 : 0, counts.Span[tile]);
                // Longer than a worker watches, shorter than it does not yield, or not at all.
                if (round % 16 == 0)
                    Thread.Sleep(2);
                else if (round % 3 == 0)
                    Thread.SpinWait(3000);
            }
        });
        counts.AssertIntact();
    }

    [Fact]
    public void Several_callers_at_once_each_get_their_tiles()
    {
        CpuThreads.ForEach([3], _ =>
        {
            var callers = new Thread[4];
            var wrong = new int[callers.Length];
            for (var i = 0; i < callers.Length; i++)
            {
                var me = i;
                callers[i] = new Thread(() =>
                {
                    using var counts = new GuardedBuffer<int>(16);
                    for (var round = 0; round < 500; round++)
                    {
                        counts.Span.Clear();
                        CpuParallel.Run(16, new CountJob(counts.Pointer, 20));
                        wrong[me] += 16 - counts.Span.Count(1);
                    }
                });
                callers[i].Start();
            }

            foreach (var caller in callers)
                caller.Join();
            Assert.All(wrong, count => Assert.Equal(0, count));
        });
    }

    [Fact]
    public void A_tile_has_one_thread_and_a_failure_reaches_the_caller()
    {
        CpuThreads.ForEach([1, 4], threads =>
        {
            Assert.Equal(threads, CpuParallel.ThreadsHere);
            using var seen = new GuardedBuffer<int>(64);
            CpuParallel.Run(64, new ThreadsJob(seen.Pointer));
            Assert.Equal(threads == 1 ? 0 : 64, seen.Span.Count(1));
            for (var round = 0; round < 20; round++)
                Assert.Throws<InvalidOperationException>(() => CpuParallel.Run(8, new FailingJob(round % 8)));
            using var counts = new GuardedBuffer<int>(8);
            counts.Span.Clear();
            CpuParallel.Run(8, new CountJob(counts.Pointer, 10));
            Assert.Equal(8, counts.Span.Count(1));
        });
    }

    private readonly struct CountJob(int* counts, int spin) : ITileJob
    {
        private readonly int* _counts = counts;

        public void Execute(int tile, int worker)
        {
            Thread.SpinWait(spin / (tile + 1));
            _counts[tile]++;
        }
    }

    private readonly struct ThreadsJob(int* seen) : ITileJob
    {
        private readonly int* _seen = seen;

        public void Execute(int tile, int worker) => _seen[tile] = CpuParallel.Threads == 1 ? 0 : CpuParallel.ThreadsHere;
    }

    private readonly struct FailingJob(int failing) : ITileJob
    {
        public void Execute(int tile, int worker)
        {
            if (tile == failing)
                throw new InvalidOperationException("a tile failed");
        }
    }
}
