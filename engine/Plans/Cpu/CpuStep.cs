namespace EscNative.Engine.Plans;

/// <summary>A node of a plan with its constants packed and its places in the arena known. Thread-safe.</summary>
internal abstract unsafe class CpuStep : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>How the step is computed, where there are several ways; else empty.</summary>
    public virtual string Algorithm => "";

    /// <summary>Computes the step for some images; the halo of the result is the caller's to clear.</summary>
    public abstract void Run(float* arena, int images);

    public void Dispose()
    {
        foreach (var constant in _owned)
            constant.Dispose();
    }

    /// <summary>Constants of the step, freed with it.</summary>
    protected T Own<T>(T constant)
        where T : IDisposable
    {
        _owned.Add(constant);
        return constant;
    }

    /// <summary>Constants as floats; null stays null.</summary>
    protected NativeFloats? Own(float[]? values) => values is null ? null : Own(new NativeFloats(values));

    public static CpuStep Of(PlanNode node, ArenaLayout layout, PlanOptions options) => node switch
    {
        ConvNode conv => new ConvStep(conv, layout, options),
        PointwiseNode pointwise => new PointwiseStep(pointwise, layout),
        ActivationNode activation => new ActivationStep(activation, layout),
        PoolNode pool => new PoolStep(pool, layout),
        LayerNormNode norm => new LayerNormStep(norm, layout),
        AttentionNode attention => new AttentionStep(attention, layout),
        _ => throw new NotSupportedException($"plan: the CPU has no step for {node.GetType().Name}"),
    };
}
