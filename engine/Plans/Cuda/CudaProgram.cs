using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine.Plans;

/// <summary>A plan on a GPU, in float32. Each caller runs in a context of its own, which is kept for the next one.</summary>
internal sealed unsafe class CudaProgram : PlanProgram
{
    private const long Alignment = 256;

    // What an image takes is told from so many, so that rounding does not show.
    private const int MemorySample = 64;

    private readonly CudaBackend _backend;
    private readonly CudaStep[] _steps;
    private readonly int[] _masks;
    private readonly CudaSlot _input;
    private readonly CudaSlot[] _outputs;
    private readonly CudaConstant? _table;
    private readonly long _floats;
    private readonly bool _isFixed;
    private readonly Lock _lock = new();
    private readonly List<CudaPlanContext> _idle = [];
    private bool _disposed;

    public CudaProgram(PlanGraph graph, PlanOptions options, CudaBackend backend)
    {
        _backend = backend;
        // For one image: a context makes room for as many as it takes.
        var layout = ArenaLayout.Of(graph, 1);
        _input = CudaSlot.Of(graph.Input, layout);
        _outputs = [.. graph.Outputs.Select(o => CudaSlot.Of(o, layout))];
        _masks = graph.OutputMasks();
        var steps = new List<CudaStep>();
        try
        {
            if (!options.ByteTable.IsEmpty)
                _table = new CudaConstant(backend, options.ByteTable.Span);
            foreach (var node in graph.Nodes)
                steps.Add(node.OnCuda(layout, backend));
            (_steps, _floats, _isFixed) = ([.. steps], layout.Floats, options.ImagesPerChunk > 0);
            ImagesPerChunk = _isFixed
                ? options.ImagesPerChunk
                : CudaChunk.Choose(
                    ProductLayer.Of(graph), steps.Count, BytesOf(MemorySample) / MemorySample, GpuShape.Of(backend.Context),
                    backend.Context.MemoryInfo().Free + backend.Pool.Statistics.Cached, options.ImagesPerRun);
        }
        catch
        {
            // Out of memory half-way: what was made goes back now.
            _table?.Dispose();
            steps.ForEach(s => s.Dispose());
            throw;
        }
    }

    public override int ImagesPerChunk { get; }

    public override long ArenaBytes => BytesOf(ImagesPerChunk);

    public override string AlgorithmOf(int node) => _steps[node].Algorithm;

    public override void Run(in PlanCall call)
    {
        if (call.Floats == null && _table is null)
            throw new UsageException("plan: got images of bytes, but the plan was compiled without a byte table (PlanOptions.ByteTable)");
        var context = Rent(call.Images);
        try
        {
            Run(call, context);
        }
        finally
        {
            Return(context);
        }
    }

    /// <summary>Issues the steps that the wanted outputs need, for images that lie in the arena.</summary>
    public void Issue(in CudaArena arena, int mask, int images)
    {
        for (var i = 0; i < _steps.Length; i++)
        {
            if ((_masks[i] & mask) != 0)
                _steps[i].Run(arena, images);
        }
    }

    /// <summary>Bytes of a context for so many images.</summary>
    public long BytesOf(int capacity) => BytesAt(capacity) + (_table is null ? 0 : capacity * _input.Count);

    /// <summary>The arena of a context.</summary>
    public CudaArena ArenaAt(nint memory, int capacity) =>
        new(memory, memory + (nint)ValueBytes(capacity), memory + (nint)BytesAt(capacity), capacity);

    public override void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        FreeIdle();

        _table?.Dispose();
        foreach (var step in _steps)
            step.Dispose();
    }

    private void Run(in PlanCall call, CudaPlanContext context)
    {
        // The context's arena and the constants of all steps: a recorded chunk asks for no address.
        using var kernels = KernelCall.Begin();
        if (_table is not null)
            kernels.Hold(_table);
        foreach (var step in _steps)
            step.Hold(kernels);
        // Results for the host are collected on the device, so that it is waited for once.
        using var first = new CudaWorkspace(_backend.Pool, call.OnDevice ? 0 : call.Images * _outputs[0].Count * sizeof(float), "plan");
        using var second = new CudaWorkspace(
            _backend.Pool, call.OnDevice || (call.OutputMask & 2) == 0 ? 0 : call.Images * _outputs[1].Count * sizeof(float), "plan");
        var (y0, y1) = call.OnDevice ? ((nint)call.First, (nint)call.Second) : (first.Pointer, second.Pointer);
        var chunk = context.Arena.Capacity;
        for (var at = 0; at < call.Images; at += chunk)
        {
            var count = Math.Min(chunk, call.Images - at);
            Load(call, context.Arena, at, count);
            if (call.Seconds != null)
                Profile(call, context.Arena, count);
            else if (count == chunk)
                context.RunChunk(call.OutputMask);
            else
                Issue(context.Arena, call.OutputMask, count);
            Collect(_outputs[0], context.Arena, y0, at, count);
            if ((call.OutputMask & 2) != 0)
                Collect(_outputs[1], context.Arena, y1, at, count);
        }

        if (call.OnDevice)
            return;
        Download(first.Pointer, call.First, call.Images * _outputs[0].Count);
        if ((call.OutputMask & 2) != 0)
            Download(second.Pointer, call.Second, call.Images * _outputs[1].Count);
    }

    private void Load(in PlanCall call, in CudaArena arena, int first, int count)
    {
        var values = checked((int)(count * _input.Count));
        var stream = _backend.Context.Stream;
        if (call.Floats != null)
        {
            var source = call.Floats + (first * _input.Count);
            if (call.ImagesOnDevice)
                stream.Copy((nint)source, _input.In(arena), values * (long)sizeof(float));
            else
                _backend.Context.Upload(MemoryMarshal.AsBytes(new ReadOnlySpan<float>(source, values)), _input.In(arena));
            return;
        }

        var bytes = (nint)(call.Bytes + (first * _input.Count));
        if (!call.ImagesOnDevice)
        {
            bytes = arena.Bytes;
            _backend.Context.Upload(new ReadOnlySpan<byte>(call.Bytes + (first * _input.Count), values), bytes);
        }

        _backend.Images.Load(
            DType.F32, bytes, _table!.Pointer, 0, _input.In(arena), count,
            new ImageBatch(_input.Height, _input.Width, _input.Channels, _input.Height, _input.Width, count));
    }

    private void Collect(in CudaSlot output, in CudaArena arena, nint target, int first, int count) => _backend.Context.Stream.Copy(
        output.In(arena), target + (nint)(first * output.Count * sizeof(float)), count * output.Count * sizeof(float));

    private void Download(nint source, float* target, long count)
    {
        for (var at = 0L; at < count; at += 1 << 28)
            _backend.Context.Download(source + (nint)(at * sizeof(float)), MemoryMarshal.AsBytes(new Span<float>(target + at, (int)Math.Min(count - at, 1 << 28))));
    }

    private void Profile(in PlanCall call, in CudaArena arena, int count)
    {
        for (var i = 0; i < _steps.Length; i++)
        {
            if ((_masks[i] & call.OutputMask) == 0)
                continue;
            _backend.Synchronize();
            var started = Stopwatch.GetTimestamp();
            _steps[i].Run(arena, count);
            _backend.Synchronize();
            call.Seconds[i] += Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
    }

    private CudaPlanContext Rent(int images)
    {
        // A call of few images wants little memory; sizes are rounded so that calls of about one size share it.
        var wanted = (int)Math.Min(ImagesPerChunk, (long)BitOperations.RoundUpToPowerOf2((uint)images));
        CudaPlanContext? tooSmall = null;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(InferencePlan));
            var at = _idle.FindLastIndex(c => c.Wanted >= wanted);
            if (at < 0)
                at = _idle.Count - 1;
            if (at >= 0)
            {
                var context = _idle[at];
                _idle.RemoveAt(at);
                if (context.Wanted >= wanted)
                    return context;
                tooSmall = context;
            }
        }

        tooSmall?.Dispose();
        for (var capacity = wanted; ; capacity = (capacity + 1) / 2)
        {
            try
            {
                return new CudaPlanContext(this, _backend, capacity, wanted);
            }
            catch (DeviceOutOfMemoryException) when (!_isFixed && capacity > 1)
            {
                // Less at a time is slower, and as right.
                FreeIdle();
            }
        }
    }

    private void Return(CudaPlanContext context)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _idle.Add(context);
                return;
            }
        }

        // The plan went while this call was under way.
        context.Dispose();
    }

    private void FreeIdle()
    {
        lock (_lock)
        {
            foreach (var context in _idle)
                context.Dispose();
            _idle.Clear();
        }
    }

    private long ValueBytes(int capacity) => Up(_floats * capacity * sizeof(float));

    // The values and the steps' workspace; behind them the bytes of the images.
    private long BytesAt(int capacity) => Up(ValueBytes(capacity) + _steps.Select(s => s.WorkspaceBytes(capacity)).DefaultIfEmpty(0).Max());

    private static long Up(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
