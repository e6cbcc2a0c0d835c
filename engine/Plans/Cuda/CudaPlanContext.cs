using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine.Plans;

/// <summary>The working memory of one caller of a plan, and the graphs recorded in it.</summary>
internal sealed class CudaPlanContext : NativeOwner
{
    private readonly CudaProgram _program;
    private readonly CudaBackend _backend;
    private readonly CudaArena _arena;
    private readonly nint _memory;
    private readonly long _bytes;

    // By the mask of the outputs that are wanted; for as many images as there is room for.
    private readonly CudaGraph?[] _graphs = new CudaGraph?[1 << InferencePlan.MostOutputs];

    /// <param name="capacity">How many images it has room for.</param>
    /// <param name="wanted">For how many room was wanted, where there was not enough memory.</param>
    /// <exception cref="DeviceOutOfMemoryException">There is no memory for so many.</exception>
    public CudaPlanContext(CudaProgram program, CudaBackend backend, int capacity, int wanted)
    {
        (_program, _backend, Wanted) = (program, backend, wanted);
        _bytes = program.BytesOf(capacity);
        _memory = backend.Pool.Rent(_bytes, "plan");
        _arena = program.ArenaAt(_memory, capacity);
    }

    /// <summary>The memory of the values, the steps' workspace, and a chunk of images as bytes; only within a <see cref="KernelCall"/>.</summary>
    public CudaArena Arena
    {
        get
        {
            HoldInCall();
            return _arena;
        }
    }

    /// <summary>For how many images room was wanted.</summary>
    public int Wanted { get; }

    /// <summary>Issues the steps for a whole chunk; they are recorded the first time and replayed afterwards.</summary>
    public void RunChunk(int mask)
    {
        // Kernels are compiled and loaded by their first launch, which cannot be recorded.
        if (_graphs[mask] is { } graph)
        {
            graph.Launch();
            return;
        }

        _program.Issue(Arena, mask, Arena.Capacity);
        _graphs[mask] = new CudaGraph(_backend.Context, () => _program.Issue(Arena, mask, Arena.Capacity));
    }

    protected override void Free(bool late)
    {
        if (_memory == 0)
            return;
        foreach (var graph in _graphs)
            graph?.Dispose();
        _backend.Pool.Return(_memory, _bytes, late);
    }
}
