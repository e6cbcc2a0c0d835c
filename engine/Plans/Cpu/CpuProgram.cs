using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>A plan on the CPU. Each caller runs in a context of its own, which is kept for the next one.</summary>
internal sealed unsafe class CpuProgram : PlanProgram
{
    private readonly CpuStep[] _steps;
    private readonly CpuSlot[] _results;
    private readonly int[] _masks;
    private readonly CpuSlot _input;
    private readonly CpuSlot[] _outputs;
    private readonly NativeFloats? _table;
    private readonly Lock _lock = new();
    private readonly List<CpuPlanContext> _idle = [];
    private bool _disposed;

    public CpuProgram(PlanGraph graph, PlanOptions options, MemoryPool pool)
    {
        Pool = pool;
        graph.ChooseHalos();
        ImagesPerChunk = options.ImagesPerChunk > 0
            ? options.ImagesPerChunk
            : CpuChunk.Images(graph, options);
        var layout = ArenaLayout.Of(graph, ImagesPerChunk);
        ArenaFloats = layout.Floats;
        _input = CpuSlot.Of(graph.Input, layout);
        _outputs = [.. graph.Outputs.Select(o => CpuSlot.Of(o, layout))];
        _results = [.. graph.Nodes.Select(n => CpuSlot.Of(n.Output, layout))];
        _masks = graph.OutputMasks();
        var steps = new List<CpuStep>();
        try
        {
            _table = options.ByteTable.IsEmpty ? null : new NativeFloats(options.ByteTable.Span);
            foreach (var node in graph.Nodes)
                steps.Add(node.OnCpu(layout, options));
        }
        catch
        {
            // Out of memory half-way: what was made goes back now.
            _table?.Dispose();
            steps.ForEach(s => s.Dispose());
            throw;
        }

        _steps = [.. steps];
    }

    public MemoryPool Pool { get; }

    public long ArenaFloats { get; }

    public override int ImagesPerChunk { get; }

    public override long ArenaBytes => ArenaFloats * sizeof(float);

    public override string AlgorithmOf(int node) => _steps[node].Algorithm;

    public override void Run(in PlanCall call)
    {
        if (call.Floats == null && _table is null)
            throw new UsageException("plan: got images of bytes, but the plan was compiled without a byte table (PlanOptions.ByteTable)");
        var context = Rent();
        try
        {
            context.Run(call);
        }
        finally
        {
            Return(context);
        }
    }

    /// <summary>Takes images first .. first + count - 1 of a call through the network in one arena.</summary>
    public void RunChunk(in PlanCall call, float* arena, int first, int count)
    {
        // The constants of all steps.
        using var kernels = KernelCall.Begin();
        Load(call, arena, first, count);
        for (var i = 0; i < _steps.Length; i++)
        {
            if ((_masks[i] & call.OutputMask) == 0)
                continue;
            var started = call.Seconds == null ? 0 : System.Diagnostics.Stopwatch.GetTimestamp();
            _steps[i].Run(arena, count);
            if (_results[i].Halo > 0)
                _results[i].In(arena).ClearHalo(count);
            if (call.Seconds != null)
                call.Seconds[i] += System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
        }

        Store(_outputs[0], arena, call.First, first, count);
        if ((call.OutputMask & 2) != 0)
            Store(_outputs[1], arena, call.Second, first, count);
    }

    public override void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (var context in _idle)
                context.Dispose();
            _idle.Clear();
        }

        _table?.Dispose();
        foreach (var step in _steps)
            step.Dispose();
    }

    private CpuPlanContext Rent()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(InferencePlan));
            if (_idle.Count > 0)
            {
                var context = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
                return context;
            }
        }

        return new CpuPlanContext(this);
    }

    private void Return(CpuPlanContext context)
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

    private void Load(in PlanCall call, float* arena, int first, int count)
    {
        var x = _input.In(arena);
        if (call.Floats == null)
        {
            Images.ToHalo(call.Bytes + (first * _input.Count), _table!.Data, x, count);
        }
        else
        {
            var source = new ImageView(call.Floats + (first * _input.Count), _input.Height, _input.Width, _input.Channels);
            Pointwise.Run(count, source, null, null, default, relu: false, x);
        }

        x.ClearHalo(count);
    }

    private static void Store(in CpuSlot output, float* arena, float* target, int first, int count) =>
        new ReadOnlySpan<byte>(output.Data(arena), checked((int)(count * output.Count * sizeof(float)))).CopyTo(
            new Span<byte>(target + (first * output.Count), checked((int)(count * output.Count * sizeof(float)))));
}
