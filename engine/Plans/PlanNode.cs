namespace EscNative.Engine.Plans;

/// <summary>One computation of a plan, before it is made into steps of a device.</summary>
/// <param name="name">The module that it comes from.</param>
internal abstract class PlanNode(string name)
{
    /// <summary>The module that it comes from.</summary>
    public string Name { get; } = name;

    public PlanValue Output { get; set; } = null!;

    /// <summary>What it reads, the residual included.</summary>
    public abstract IEnumerable<PlanValue> Inputs { get; }

    /// <summary>What it computes, in words, with what was fused into it.</summary>
    public abstract string Kind { get; }

    /// <summary>Multiplications and additions for one image.</summary>
    public abstract double Flops { get; }

    /// <summary>Bytes of its constants.</summary>
    public virtual double WeightBytes => 0;

    /// <summary>Bytes of constants that the CPU reads for a chunk, as it keeps them.</summary>
    /// <param name="options">How the plan is compiled.</param>
    public virtual double WeightTraffic(PlanOptions options) => WeightBytes;

    /// <summary>Whether it reads and writes images that lie within a halo; else it wants contiguous ones.</summary>
    public virtual bool Strided => true;

    /// <summary>The halo that it wants around an input.</summary>
    public virtual int WantedHalo(PlanValue input) => 0;

    /// <summary>Whether the result may be written over an input, if nobody reads that any more.</summary>
    public virtual bool MayOverwrite(PlanValue input) => false;

    /// <summary>How the CPU computes it.</summary>
    /// <param name="layout">Where the values stand.</param>
    /// <param name="options">How the plan is compiled.</param>
    public abstract CpuStep OnCpu(ArenaLayout layout, PlanOptions options);

    /// <summary>How a GPU computes it.</summary>
    /// <param name="layout">Where the values stand.</param>
    /// <param name="backend">The GPU.</param>
    public abstract CudaStep OnCuda(ArenaLayout layout, CudaBackend backend);

    protected static double Count(PlanValue value) => (double)value.Height * value.Width * value.Channels;
}
