using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>One piece of work that is cut into tiles; each tile is computed whole by one thread.</summary>
/// <remarks>Implemented by unmanaged structs (pointers and sizes), so that a parallel call allocates nothing.</remarks>
public interface ITileJob
{
    /// <summary>Computes one tile.</summary>
    /// <param name="tile">The tile's number, from 0.</param>
    /// <param name="worker">Who computes it: 0 .. <see cref="CpuParallel.Threads"/> - 1, for per-thread scratch memory.
    /// The result must not depend on it.</param>
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

    private static readonly Lock Owner = new();
    private static readonly SemaphoreSlim Wakeup = new(0);
    private static readonly SemaphoreSlim Finished = new(0);
    private static Thread[] _workers = [];
    private static int _threads = Environment.ProcessorCount;

    // The job in hand. A worker enters it by raising _state from n to n + 1, which fails once the owner has closed it.
    private static int _state = Closed;
    private static int _generation;
    private static int _sleeping;
    private static int _ownerSleeps;
    private static int _next;
    private static int _tiles;
    private static void* _job;
    private static delegate*<void*, int, int, void> _execute;
    private static Exception? _failure;

    [ThreadStatic]
    private static bool _inside;

    // Calls by this thread compute their first and last tile alone: tests of arrays that are larger than memory.
    [ThreadStatic]
    private static bool _endsOnly;

    /// <summary>How many threads compute, the caller included. The machine's processors by default.</summary>
    /// <exception cref="UsageException">Less than 1 or more than 1024.</exception>
    public static int Threads
    {
        get => _threads;
        set
        {
            if (value is < 1 or > 1024)
                throw new UsageException($"threads: got {value}, wants 1 to 1024");
            lock (Owner)
                _threads = value;
        }
    }

    /// <summary>How many threads a <see cref="Run"/> by the calling thread would have: 1 within a tile.</summary>
    public static int ThreadsHere => _inside ? 1 : _threads;

    /// <summary>Whether a <see cref="Run"/> by the calling thread computes its first and last tile alone. For tests.</summary>
    internal static bool EndsOnly
    {
        get => _endsOnly;
        set => _endsOnly = value;
    }

    /// <summary>Computes tiles 0 .. <paramref name="tiles"/> - 1 and returns when all are done.</summary>
    /// <param name="tiles">How many tiles; nothing happens for 0.</param>
    /// <param name="job">The work. A nested call runs on the calling thread alone.</param>
    public static void Run<TJob>(int tiles, TJob job)
        where TJob : unmanaged, ITileJob
    {
        if (tiles <= 0)
            return;
        if (tiles == 1 || _threads == 1 || _inside || _endsOnly || !Owner.TryEnter())
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
            RunWithTeam(tiles, &job, &Invoke<TJob>);
        }
        finally
        {
            _inside = false;
            Owner.Exit();
        }
    }

    private static void Invoke<TJob>(void* job, int tile, int worker)
        where TJob : unmanaged, ITileJob => ((TJob*)job)->Execute(tile, worker);

    private static void RunWithTeam(int tiles, void* job, delegate*<void*, int, int, void> execute)
    {
        EnsureWorkers();
        _job = job;
        _execute = execute;
        _tiles = tiles;
        _next = 0;
        _failure = null;
        Volatile.Write(ref _state, 0);
        Interlocked.Increment(ref _generation);
        // Each sleeper is woken once, however long it takes until it has a core: a signal costs some 3 us.
        var sleepers = TakeSleepers(tiles - 1);
        if (sleepers > 0)
            Wakeup.Release(sleepers);

        Exception? own = null;
        try
        {
            Claim(0);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            own = e;
            Volatile.Write(ref _next, tiles);
        }

        // No worker may enter any more; those inside finish the tile that they hold.
        var state = Interlocked.Or(ref _state, Closed);
        if (state != 0)
            WaitForWorkers();

        if ((own ?? _failure) is { } failure)
            throw failure;
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

        while (Volatile.Read(ref _state) != Closed)
        {
            Interlocked.Exchange(ref _ownerSleeps, 1);
            // Whoever takes the mark back first, the last worker or this thread, decides whether there is a signal to wait for.
            if (Volatile.Read(ref _state) == Closed && Interlocked.Exchange(ref _ownerSleeps, 0) == 1)
                return;
            Finished.Wait();
        }
    }

    private static void Claim(int worker)
    {
        int tile;
        while ((tile = Interlocked.Increment(ref _next) - 1) < _tiles)
            _execute(_job, tile, worker);
    }

    private static void EnsureWorkers()
    {
        if (_workers.Length >= _threads - 1)
            return;
        var workers = new Thread[_threads - 1];
        _workers.CopyTo(workers, 0);
        for (var i = _workers.Length; i < workers.Length; i++)
        {
            var worker = i + 1;
            workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"EscNative worker {worker}" };
            workers[i].Start();
        }

        _workers = workers;
    }

    private static void Work(int worker)
    {
        _inside = true;
        var seen = 0;
        while (true)
        {
            seen = WaitForGeneration(seen);
            if (worker >= _threads || !TryEnter())
                continue;
            try
            {
                Claim(worker);
            }
            catch (Exception e)
            {
                _failure = e;
                Volatile.Write(ref _next, _tiles);
            }

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
    private static int WaitForGeneration(int seen)
    {
        var began = Stopwatch.GetTimestamp();
        for (long waited = 0; waited < WatchTicks; waited = Stopwatch.GetTimestamp() - began)
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
            Wakeup.Wait();
        return Volatile.Read(ref _generation);
    }

    private static int TakeSleepers(int most)
    {
        while (true)
        {
            var sleeping = Volatile.Read(ref _sleeping);
            var taken = Math.Min(sleeping, most);
            if (taken == 0 || Interlocked.CompareExchange(ref _sleeping, sleeping - taken, sleeping) == sleeping)
                return taken;
        }
    }
}
