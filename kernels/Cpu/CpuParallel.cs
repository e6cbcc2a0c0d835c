using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace EscNative.Kernels.Cpu;

/// <summary>One piece of work that is cut into tiles; each tile is computed whole by one thread.</summary>
/// <remarks>Implemented by unmanaged structs (pointers and sizes), so that a parallel call allocates nothing.</remarks>
public interface ITileJob
{
    /// <summary>Computes one tile.</summary>
    /// <param name="tile">The tile's number, from 0.</param>
    /// <param name="worker">Who computes it: 0 .. <see cref="CpuParallel.Threads"/> - 1, for scratch memory that no two threads of one
    /// job use at once; in the next job the thread may have another number. The result must not depend on it.</param>
    void Execute(int tile, int worker);
}

/// <summary>The team of threads on which every CPU kernel runs.</summary>
/// <remarks>
/// Tiles are claimed from a counter, so a core that is busy elsewhere only takes fewer of them: a static split made two
/// threads slower than one on a loaded machine. Since a tile never depends on who computes it, results are equal bit for bit
/// for any number of threads. One caller at a time owns the team; a second caller meanwhile computes its tiles alone.
/// <para>
/// Threads that wait spin for a bounded time, then yield their core, then sleep. So a core that another process keeps busy
/// is left to it, and a caller whose worker lost its core in the middle of a tile leaves its own to that worker.
/// </para>
/// <para>
/// An exception in a tile, of whatever kind and on whichever thread, reaches the caller of <see cref="Run{TJob}(int, TJob)"/> once,
/// with the place where it was thrown, after every thread has left the job; the team is ready for the next job then. No tile is begun
/// after one has failed. Tiles are begun in their order and each one that was begun is finished, so of several failures the one of
/// the lowest tile is thrown: the one that a single thread would have met.
/// </para>
/// </remarks>
public static unsafe class CpuParallel
{
    // How long an idle worker watches for the next job before it sleeps: waking a sleeper costs some 50 us, the gap between
    // two kernels of one forward pass is far shorter. It soon begins to offer its core to others.
    private static readonly long WatchTicks = Stopwatch.Frequency / 1000;
    private static readonly long YieldTicks = Stopwatch.Frequency / 20_000;

    // A worker's last tile rarely takes longer; if so, it may be waiting for a core.
    private static readonly long FinishTicks = Stopwatch.Frequency / 5000;

    private const int Closed = 1 << 30;
    private const int MostThreads = 1024;

    private static readonly Lock Owner = new();
    private static readonly SemaphoreSlim Wakeup = new(0);
    private static readonly SemaphoreSlim Finished = new(0);
    // What ended a worker's part of a job, by its number: nothing is allocated where memory has just run out.
    private static readonly (int Tile, Exception? Exception)[] Failures = new (int, Exception?)[MostThreads];
    private static int _workers;
    private static int _threads = Environment.ProcessorCount;

    // The job in hand. A worker enters it by raising _state from n to n + 1, which fails once the owner has closed it, and takes the
    // next number of the team; when there is none left it goes.
    private static int _state = Closed;
    private static int _generation;
    private static int _sleeping;
    private static int _ownerSleeps;
    private static int _next;
    private static int _tiles;
    private static int _team;
    private static int _joined;
    private static bool _failed;
    private static void* _job;
    private static delegate*<void*, int, int, void> _execute;

    [ThreadStatic]
    private static bool _inside;

    // Calls by this thread compute their first and last tile alone: tests of arrays that are larger than memory.
    [ThreadStatic]
    private static bool _endsOnly;

    /// <summary>How many threads compute, the caller included. The machine's processors by default.</summary>
    /// <remarks>It may be set at any time, also within a tile, and holds for the jobs that begin afterwards.</remarks>
    /// <exception cref="UsageException">Less than 1 or more than 1024.</exception>
    public static int Threads
    {
        get => Volatile.Read(ref _threads);
        set
        {
            if (value is < 1 or > MostThreads)
                throw new UsageException($"threads: got {value}, wants 1 to {MostThreads}");
            Volatile.Write(ref _threads, value);
        }
    }

    /// <summary>How many threads a <see cref="Run{TJob}(int, TJob)"/> by the calling thread would have: 1 within a tile.</summary>
    public static int ThreadsHere => _inside ? 1 : Threads;

    /// <summary>How many workers there are, beside the callers.</summary>
    internal static int Workers => Volatile.Read(ref _workers);

    /// <summary>Starts a worker; tests put a start that fails in its place.</summary>
    internal static Action<Thread> StartWorker { get; set; } = static worker => worker.UnsafeStart();

    /// <summary>Whether a <see cref="Run{TJob}(int, TJob)"/> by the calling thread computes its first and last tile alone. For tests.</summary>
    internal static bool EndsOnly
    {
        get => _endsOnly;
        set => _endsOnly = value;
    }

    /// <summary>Computes tiles 0 .. <paramref name="tiles"/> - 1 and returns when all are done.</summary>
    /// <param name="tiles">How many tiles; nothing happens for 0.</param>
    /// <param name="job">The work. A nested call runs on the calling thread alone.</param>
    /// <remarks>It throws what the lowest tile that failed threw, or that a thread of the team cannot be started; the next call tries
    /// that again.</remarks>
    public static void Run<TJob>(int tiles, TJob job)
        where TJob : unmanaged, ITileJob => Run(tiles, job, MostThreads);

    /// <summary>The same with a bound on the threads, for a job that holds something for each of them: their number may grow at any time.</summary>
    /// <param name="tiles">How many tiles; nothing happens for 0.</param>
    /// <param name="job">The work; its workers have numbers below <paramref name="most"/>.</param>
    /// <param name="most">The largest number of threads, 1 or more.</param>
    public static void Run<TJob>(int tiles, TJob job, int most)
        where TJob : unmanaged, ITileJob
    {
        if (tiles <= 0)
            return;
        var team = Math.Min(Threads, most);
        if (tiles == 1 || team <= 1 || _inside || _endsOnly || !Owner.TryEnter())
        {
            // Worker 0 is also the owner of the team, which may be inside a job right now: callers that share a worker's
            // number must not share scratch memory, so scratch is per thread (see CpuScratch), not per worker.
            var step = _endsOnly ? Math.Max(tiles - 1, 1) : 1;
            for (var tile = 0; tile < tiles; tile += step)
                job.Execute(tile, 0);
            return;
        }

        try
        {
            _inside = true;
            RunWithTeam(tiles, team, &job, &Invoke<TJob>);
        }
        finally
        {
            _inside = false;
            Owner.Exit();
        }
    }

    private static void Invoke<TJob>(void* job, int tile, int worker)
        where TJob : unmanaged, ITileJob => ((TJob*)job)->Execute(tile, worker);

    private static void RunWithTeam(int tiles, int team, void* job, delegate*<void*, int, int, void> execute)
    {
        EnsureWorkers(team - 1);
        _job = job;
        _execute = execute;
        _tiles = tiles;
        _team = team;
        _joined = 0;
        _next = 0;
        _failed = false;
        Volatile.Write(ref _state, 0);
        Interlocked.Increment(ref _generation);
        var interrupted = false;
        try
        {
            // Each sleeper is woken once, however long it takes until it has a core: a signal costs some 3 us. Of more workers than the
            // team wants, those awake come by themselves.
            var wanted = Math.Min(tiles, team) - 1;
            if (_workers >= team)
                wanted -= _workers - Volatile.Read(ref _sleeping);
            var sleepers = TakeSleepers(wanted);
            if (sleepers > 0)
                interrupted = Wake(sleepers);
            Claim(0);
        }
        finally
        {
            // The job lies on this thread's stack: whatever happened, no worker may enter any more, and those inside finish the tile
            // that they hold.
            if (Interlocked.Or(ref _state, Closed) != 0)
                WaitForWorkers();
            if (interrupted)
                Thread.CurrentThread.Interrupt();
        }

        if (_failed)
            ThrowFailure(team);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowFailure(int team)
    {
        (int Tile, Exception? Exception) first = default;
        foreach (ref var failure in Failures.AsSpan(0, team))
        {
            if (failure.Exception is not null && (first.Exception is null || failure.Tile < first.Tile))
                first = failure;
            failure = default;
        }

        ExceptionDispatchInfo.Throw(first.Exception!);
    }

    private static void WaitForWorkers()
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() - began < FinishTicks)
        {
            for (var i = 0; i < 16; i++)
            {
                if (Volatile.Read(ref _state) == Closed)
                    return;
                Thread.SpinWait(1);
            }
        }

        var interrupted = false;
        while (Volatile.Read(ref _state) != Closed)
        {
            Interlocked.Exchange(ref _ownerSleeps, 1);
            // Whoever takes the mark back first, the last worker or this thread, decides whether there is a signal to wait for.
            if (Volatile.Read(ref _state) == Closed && Interlocked.Exchange(ref _ownerSleeps, 0) == 1)
                break;
            interrupted |= WaitFor(Finished);
        }

        // Not before the workers have left the job: the interruption ends the thread's next wait instead.
        if (interrupted)
            Thread.CurrentThread.Interrupt();
    }

    /// <summary>Wakes sleepers, who are counted as awake already; true if somebody interrupted the thread meanwhile.</summary>
    private static bool Wake(int sleepers)
    {
        for (var interrupted = false; ; interrupted = true)
        {
            try
            {
                Wakeup.Release(sleepers);
                return interrupted;
            }
            catch (ThreadInterruptedException)
            {
            }
        }
    }

    /// <summary>Takes a signal; true if somebody interrupted the thread meanwhile.</summary>
    private static bool WaitFor(SemaphoreSlim signal)
    {
        for (var interrupted = false; ; interrupted = true)
        {
            try
            {
                signal.Wait();
                return interrupted;
            }
            catch (ThreadInterruptedException)
            {
            }
        }
    }

    private static void Claim(int worker)
    {
        var tile = -1;
        try
        {
            while ((tile = Interlocked.Increment(ref _next) - 1) < _tiles)
                _execute(_job, tile, worker);
        }
        catch (Exception e)
        {
            Failures[worker] = (tile, e);
            _failed = true;
            Volatile.Write(ref _next, _tiles);
        }
    }

    private static void EnsureWorkers(int count)
    {
        // Counted once it runs: the next call goes on where this one threw.
        for (; _workers < count; _workers++)
            StartWorker(new Thread(Work) { IsBackground = true, Name = $"EscNative worker {_workers + 1}" });
    }

    private static void Work()
    {
        _inside = true;
        var (seen, full) = (0, false);
        while (true)
        {
            // Where fewer threads are wanted than there are, the others sleep.
            seen = WaitForGeneration(seen, watch: !full);
            full = false;
            if (!TryEnter())
                continue;
            var worker = Interlocked.Increment(ref _joined);
            full = worker >= _team;
            if (!full)
                Claim(worker);
            if (Interlocked.Decrement(ref _state) == Closed && Interlocked.Exchange(ref _ownerSleeps, 0) == 1)
                Finished.Release();
        }
    }

    private static bool TryEnter()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if ((state & Closed) != 0)
                return false;
            if (Interlocked.CompareExchange(ref _state, state + 1, state) == state)
                return true;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int WaitForGeneration(int seen, bool watch)
    {
        var began = Stopwatch.GetTimestamp();
        for (long waited = watch ? 0 : WatchTicks; waited < WatchTicks; waited = Stopwatch.GetTimestamp() - began)
        {
            for (var i = 0; i < 16; i++)
            {
                var now = Volatile.Read(ref _generation);
                if (now != seen)
                    return now;
                Thread.SpinWait(1);
            }

            if (waited > YieldTicks)
                Thread.Yield();
        }

        Interlocked.Increment(ref _sleeping);
        // A job that started between the last look and the increment did not count this sleeper, or else it sends a signal.
        if (Volatile.Read(ref _generation) == seen || TakeSleepers(1) == 0)
            WaitFor(Wakeup);
        return Volatile.Read(ref _generation);
    }

    private static int TakeSleepers(int most)
    {
        while (true)
        {
            var sleeping = Volatile.Read(ref _sleeping);
            var taken = Math.Min(sleeping, most);
            if (taken <= 0 || Interlocked.CompareExchange(ref _sleeping, sleeping - taken, sleeping) == sleeping)
                return Math.Max(taken, 0);
        }
    }
}
