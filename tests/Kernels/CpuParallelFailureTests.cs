using System.Numerics;
using System.Runtime.CompilerServices;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

#pragma warning disable CA2201 // The runtime's own exceptions are what is injected.
/// <summary>Exceptions in tiles: the caller gets one of them, the workers are parked, and the next job is right.</summary>
[Collection(CpuThreads.Alone)]
public sealed unsafe class CpuParallelFailureTests
{
    private const int MostTiles = 32;
    private const int Callers = 4;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    // Of the kinds that a handler is tempted to treat apart, and of those that it has never heard of.
    private static readonly Func<Exception>[] Kinds =
    [
        () => new OutOfMemoryException(), () => new InsufficientMemoryException(), () => new OperationCanceledException(),
        () => new TaskCanceledException(), () => new EscException(ErrorCode.BadInput, "bad input"), () => new UsageException("usage"),
        () => new DeviceOutOfMemoryException("test", 1, 2, 3, 4), () => new AccessViolationException(), () => new NullReferenceException(),
        () => new AggregateException(new OutOfMemoryException(), new InvalidOperationException()), () => new IndexOutOfRangeException(),
        () => new ThreadInterruptedException(), () => new TypeInitializationException("a type", new OutOfMemoryException()),
        () => new OddException(),
    ];

    // What each tile of each caller's job threw, by place: a job holds numbers alone.
    private static readonly Exception?[] Thrown = new Exception?[Callers * MostTiles];

    [Fact]
    public void Any_exception_in_any_tile_reaches_the_caller_once_and_the_next_job_is_right() =>
        CpuThreads.ForEach([1, 2, 3, 4, 5, 6, 7, 8], threads => FailAndGoOn(caller: 0, new Random(threads), 1250));

    [Fact]
    public void Several_callers_each_get_the_exceptions_of_their_own_tiles() => CpuThreads.ForEach([3], _ =>
    {
        var errors = new Exception?[Callers];
        var callers = Enumerable.Range(0, Callers).Select(i => new Thread(
            () => errors[i] = Record.Exception(() => FailAndGoOn(i, new Random(100 + i), 300)))).ToArray();
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());
        Assert.All(errors, Assert.Null);
    });

    [Fact]
    public void An_exception_in_a_job_within_a_tile_passes_through_both() => CpuThreads.ForEach([1, 4], _ =>
    {
        using var counts = new GuardedBuffer<int>(MostTiles);
        for (var round = 0; round < 200; round++)
        {
            counts.Span.Clear();
            Assert.Throws<OutOfMemoryException>(() => CpuParallel.Run(6, new OuterJob(counts.Pointer, round % 6)));
            CpuParallel.Run(MostTiles, new FailingJob(counts.Pointer, 0, 0, 0));
            Assert.Equal(MostTiles, counts.Span.Count(1));
        }
    });

    // A worker that waited for the owner of the team, which waits for the worker, would never end.
    [Fact]
    public void A_tile_may_set_the_number_of_threads() => CpuThreads.ForEach([4], _ =>
    {
        using var state = new GuardedBuffer<int>(1);
        var error = OnAThread(() =>
        {
            for (var round = 0; round < 50; round++)
            {
                CpuParallel.Threads = 4;
                state.Span.Clear();
                CpuParallel.Run(16, new SetThreadsJob(state.Pointer, Environment.CurrentManagedThreadId, 1 + (round % 8)));
                Assert.Equal(1 + (round % 8), CpuParallel.Threads);
                Assert.Equal(1, state.Span[0]);
            }
        });
        Assert.Null(error);
    });

    [Fact]
    public void A_job_with_a_bound_on_its_threads_has_workers_of_lower_numbers_alone() => CpuThreads.ForEach([8], _ =>
    {
        using var seen = new GuardedBuffer<int>(MostTiles);
        foreach (var most in (int[])[1, 2, 3, 8, 2, 1])
        {
            for (var round = 0; round < 100; round++)
            {
                seen.Span.Fill(-1);
                CpuParallel.Run(MostTiles, new WorkerJob(seen.Pointer), most);
                Assert.All(seen.Span.ToArray(), worker => Assert.InRange(worker, 0, most - 1));
            }
        }
    });

    [Fact]
    public void A_worker_that_cannot_be_started_is_told_and_tried_again() => CpuThreads.ForEach([1], _ =>
    {
        var start = CpuParallel.StartWorker;
        // Some are to be started here.
        CpuParallel.Threads = CpuParallel.Workers + 5;
        var wanted = new OutOfMemoryException("no thread");
        var (calls, numbers) = (0, new List<string?>());
        try
        {
            CpuParallel.StartWorker = worker =>
            {
                if (++calls == 2)
                    throw wanted;
                start(worker);
                numbers.Add(worker.Name);
            };
            using var counts = new GuardedBuffer<int>(MostTiles);
            Exception? thrown = null;
            // A thread that an earlier test left may own the team for a moment; then the job runs without it.
            for (var i = 0; thrown is null && i < 5000; i++)
            {
                if (i > 0)
                    Thread.Sleep(1);
                counts.Span.Clear();
                thrown = Record.Exception(() => CpuParallel.Run(MostTiles, new FailingJob(counts.Pointer, 0, 0, 0)));
            }

            Assert.Same(wanted, thrown);
            Assert.Equal(0, counts.Span.Count(1));
            CpuParallel.Run(MostTiles, new FailingJob(counts.Pointer, 0, 0, 0));
            Assert.Equal(MostTiles, counts.Span.Count(1));
            Assert.Equal(numbers.Distinct(), numbers);
            Assert.Equal(calls - 1, numbers.Count);
        }
        finally
        {
            CpuParallel.StartWorker = start;
        }
    });

    [Fact]
    public void A_caller_that_is_interrupted_waits_for_its_workers_first() => CpuThreads.ForEach([2], _ =>
    {
        using var state = new GuardedBuffer<int>(3);
        state.Span.Clear();
        var pending = false;
        Exception? error = null;
        var caller = new Thread(() => error = Record.Exception(() =>
        {
            CpuParallel.Run(2, new HeldJob(state.Pointer, Environment.CurrentManagedThreadId));
            Volatile.Write(ref state.Pointer[2], 1);
            try
            {
                Thread.Sleep(Deadline);
            }
            catch (ThreadInterruptedException)
            {
                pending = true;
            }
        }));
        caller.Start();
        // Its own tile is done, the worker's is held: it sleeps until the worker is done.
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref state.Pointer[0]) == 1 && caller.ThreadState == ThreadState.WaitSleepJoin, Deadline));
        caller.Interrupt();
        Thread.Sleep(20);
        var early = Volatile.Read(ref state.Pointer[2]);
        Volatile.Write(ref state.Pointer[1], 1);
        Assert.True(caller.Join(Deadline));
        Assert.Null(error);
        Assert.Equal(0, early);
        Assert.True(pending);
    });

    [Fact]
    public void A_scratch_buffer_that_cannot_grow_is_none_and_grows_again_when_it_can()
    {
        *(int*)CpuScratch.Get(CpuScratch.Slot.Attention, 100) = 7;
        for (var round = 0; round < 3; round++)
        {
            Assert.Throws<OutOfMemoryException>(() => CpuScratch.Get(CpuScratch.Slot.Attention, 1L << 56));
            // No size wraps around to a small one.
            Assert.Throws<OverflowException>(() => CpuScratch.Get<double>(CpuScratch.Slot.Attention, (1L << 61) + 1));
            Assert.Throws<OverflowException>(() => CpuScratch.Get(CpuScratch.Slot.Attention, long.MaxValue - 10));
            new Span<byte>(CpuScratch.Get(CpuScratch.Slot.Attention, 100), 100).Fill(1);
        }
    }

    private static void FailAndGoOn(int caller, Random random, int rounds)
    {
        using var counts = new GuardedBuffer<int>(MostTiles);
        for (var round = 0; round < rounds; round++)
        {
            var tiles = random.Next(1, MostTiles + 1);
            // From one tile to all of them.
            var mask = (uint)random.Next() & (uint)random.Next() & (round % 3 == 0 ? uint.MaxValue : (uint)random.Next());
            mask |= 1u << random.Next(tiles);
            mask &= tiles == 32 ? uint.MaxValue : (1u << tiles) - 1;
            Array.Clear(Thrown, caller * MostTiles, MostTiles);
            counts.Span.Clear();
            Exception? caught = null;
            try
            {
                CpuParallel.Run(tiles, new FailingJob(counts.Pointer, mask, random.Next(Kinds.Length), caller));
            }
            catch (Exception e)
            {
                caught = e;
            }

            // What one thread would have met: the lowest of the tiles that fail, and its own frames.
            var lowest = BitOperations.TrailingZeroCount(mask);
            Assert.Same(Thrown[(caller * MostTiles) + lowest], caught);
            Assert.NotNull(caught);
            Assert.Contains($"{nameof(CpuParallelFailureTests)}.{nameof(Fail)}(", caught.StackTrace, StringComparison.Ordinal);
            for (var tile = 0; tile < lowest; tile++)
                Assert.Equal(1, counts.Span[tile]);
            counts.Span.Clear();
            CpuParallel.Run(tiles, new FailingJob(counts.Pointer, 0, 0, caller));
            for (var tile = 0; tile < MostTiles; tile++)
                Assert.Equal(tile < tiles ? 1 : 0, counts.Span[tile]);
        }

        counts.AssertIntact();
    }

    private static Exception? OnAThread(Action action)
    {
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(action)) { IsBackground = true };
        thread.Start();
        return thread.Join(Deadline) ? error : new TimeoutException("it hangs");
    }

    // A frame of its own in the stack trace, inlined or not what calls it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(Exception exception) => throw exception;

    private sealed class OddException : Exception;

    private readonly struct FailingJob(int* counts, uint failing, int kind, int caller) : ITileJob
    {
        private readonly int* _counts = counts;

        public void Execute(int tile, int worker)
        {
            Thread.SpinWait(20);
            if (((failing >> tile) & 1) != 0)
            {
                var exception = Kinds[(kind + tile) % Kinds.Length]();
                Thrown[(caller * MostTiles) + tile] = exception;
                Fail(exception);
            }

            _counts[tile]++;
        }
    }

    private readonly struct OuterJob(int* counts, int failing) : ITileJob
    {
        private readonly int* _counts = counts;

        public void Execute(int tile, int worker)
        {
            if (tile == failing)
                CpuParallel.Run(4, new FailingJob(_counts, failing: 1, kind: 0, caller: 0));
        }
    }

    // The caller's tiles wait until a worker has had one.
    private readonly struct SetThreadsJob(int* state, int caller, int threads) : ITileJob
    {
        private readonly int* _state = state;

        public void Execute(int tile, int worker)
        {
            var wait = new SpinWait();
            while (Environment.CurrentManagedThreadId == caller && Volatile.Read(ref *_state) == 0)
                wait.SpinOnce();
            CpuParallel.Threads = threads;
            Volatile.Write(ref *_state, 1);
        }
    }

    private readonly struct WorkerJob(int* seen) : ITileJob
    {
        private readonly int* _seen = seen;

        public void Execute(int tile, int worker)
        {
            Thread.SpinWait(200);
            _seen[tile] = worker;
        }
    }

    // The caller's tile waits until the worker has the other one, which waits until it is let go.
    private readonly struct HeldJob(int* state, int caller) : ITileJob
    {
        private readonly int* _state = state;

        public void Execute(int tile, int worker)
        {
            if (Environment.CurrentManagedThreadId != caller)
                Volatile.Write(ref _state[0], 1);
            var wait = new SpinWait();
            while (Volatile.Read(ref _state[Environment.CurrentManagedThreadId == caller ? 0 : 1]) == 0)
                wait.SpinOnce();
        }
    }
}
