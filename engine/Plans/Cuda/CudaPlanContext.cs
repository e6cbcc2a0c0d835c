using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine.Plans;

/// <summary>The working memory of one caller of a plan, and the graphs recorded in it.</summary>
internal sealed class CudaPlanContext : NativeOwner
{
    private readonly CudaProgram _program;
    private readonly CudaBackend _backend;
    private readonly nint _arena;

    // By the mask of the outputs that are wanted; for whole chunks.
    private readonly CudaGraph?[] _graphs = new CudaGraph?[1 << InferencePlan.MostOutputs];

    public CudaPlanContext(CudaProgram program, CudaBackend backend)
    {
        (_program, _backend) = (program, backend);
        _arena = backend.Pool.Rent(program.ArenaBytes, "plan");
    }

    /// <summary>The values' memory, then the steps' workspace, then a chunk of images as bytes; only within a <see cref="KernelCall"/>.</summary>
    public nint Arena
    {
        get
        {
            HoldInCall();
            return _arena;
        }
    }

    /// <summary>Issues the steps for a whole chunk; they are recorded the first time and replayed afterwards.</summary>
    public void RunChunk(int mask)
    {
        // Kernels are compiled and loaded by their first launch, which cannot be recorded.
        if (_graphs[mask] is { } graph)
        {
            graph.Launch();
            return;
        }

        _program.Issue(Arena, mask, _program.ImagesPerChunk);
        _graphs[mask] = new CudaGraph(_backend.Context, () => _program.Issue(Arena, mask, _program.ImagesPerChunk));
    }

    protected override void Free(bool late)
    {
        if (_arena == 0)
            return;
        foreach (var graph in _graphs)
            graph?.Dispose();
        _backend.Pool.Return(_arena, _program.ArenaBytes, late);
    }
}
