using System.Runtime.InteropServices;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>The working memory of one caller of a plan: an arena for each thread that takes part.</summary>
internal sealed unsafe class CpuPlanContext : IDisposable
{
    private const int PageFloats = 1024;

    private readonly CpuProgram _program;
    private GCHandle _self;
    private nint[] _arenas = [];
    private PlanCall _call;
    private int _chunk;

    public CpuPlanContext(CpuProgram program)
    {
        _program = program;
        // Weak: a plan that nobody disposed of must not be kept alive by its own contexts.
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
    }

    ~CpuPlanContext() => Free(late: true);

    public void Run(in PlanCall call)
    {
        // Read once: their number may change at any time.
        var threads = CpuParallel.ThreadsHere;
        // Few images share the threads within each step; many are dealt out, and each thread takes its own through all steps.
        if (call.Images < threads || call.Seconds != null || threads == 1)
        {
            EnsureArenas(1);
            for (var first = 0; first < call.Images; first += _program.ImagesPerChunk)
                _program.RunChunk(call, (float*)_arenas[0], first, Math.Min(_program.ImagesPerChunk, call.Images - first));
            return;
        }

        EnsureArenas(threads);
        _call = call;
        // As many chunks for each thread, and chunks of one size: 64 images in chunks of 9 would be 36 for one thread of two.
        var chunks = Math.Min(RoundUp(Quotient(call.Images, _program.ImagesPerChunk), threads), call.Images);
        _chunk = Quotient(call.Images, chunks);
        CpuParallel.Run(Quotient(call.Images, _chunk), new ChunkJob(GCHandle.ToIntPtr(_self)), threads);
        GC.KeepAlive(this);
    }

    public void Dispose()
    {
        Free(late: false);
        GC.SuppressFinalize(this);
    }

    private static int Quotient(int dividend, int divisor) => (int)(((long)dividend + divisor - 1) / divisor);

    private static int RoundUp(int value, int multiple) => Quotient(value, multiple) * multiple;

    private void RunChunk(int chunk, int worker)
    {
        var first = chunk * _chunk;
        _program.RunChunk(_call, (float*)_arenas[worker], first, Math.Min(_chunk, _call.Images - first));
    }

    private void EnsureArenas(int count)
    {
        if (_arenas.Length >= count)
            return;
        var arenas = new nint[count];
        _arenas.CopyTo(arenas, 0);
        var rented = _arenas.Length;
        try
        {
            for (; rented < count; rented++)
                arenas[rented] = _program.Pool.Rent(_program.ArenaBytes, "plan");
        }
        catch
        {
            // All or none: the context is as it was.
            for (var i = _arenas.Length; i < rented; i++)
                _program.Pool.Return(arenas[i], _program.ArenaBytes, late: false);
            throw;
        }

        // Every page is asked for now: a worker may get its first chunk long after the first run.
        for (var i = _arenas.Length; i < count; i++)
        {
            for (var at = 0L; at < _program.ArenaFloats; at += PageFloats)
                ((float*)arenas[i])[at] = float.NaN;
        }

        _arenas = arenas;
    }

    private void Free(bool late)
    {
        if (!_self.IsAllocated)
            return;
        _self.Free();
        foreach (var arena in _arenas)
            _program.Pool.Return(arena, _program.ArenaBytes, late);
        _arenas = [];
    }

    // A job is unmanaged: it reaches the context by its handle.
    private readonly struct ChunkJob(nint context) : ITileJob
    {
        public void Execute(int tile, int worker) => ((CpuPlanContext)GCHandle.FromIntPtr(context).Target!).RunChunk(tile, worker);
    }
}
