namespace EscNative.Engine.Plans;

/// <summary>A plan made ready for a kind of device: its packed weights and its memory.</summary>
internal abstract class PlanProgram : IDisposable
{
    public abstract int ImagesPerChunk { get; }

    public abstract long ArenaBytes { get; }

    /// <summary>How node i is computed, where there are several ways; else empty.</summary>
    public abstract string AlgorithmOf(int node);

    /// <summary>Runs the plan; any number of callers at once.</summary>
    public abstract void Run(in PlanCall call);

    public abstract void Dispose();

    /// <summary>Makes a plan ready for the device of a backend.</summary>
    public static PlanProgram Of(PlanGraph graph, PlanOptions options, Backend backend) =>
        backend is CudaBackend cuda ? new CudaProgram(graph, options, cuda) : new CpuProgram(graph, options, backend.Pool);
}
