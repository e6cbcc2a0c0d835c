using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>A node of a plan with its constants on the device and its places in the arena known. Thread-safe.</summary>
internal abstract class CudaStep(CudaBackend backend) : IDisposable
{
    private readonly List<CudaConstant> _owned = [];

    /// <summary>How the step is computed, where there are several ways; else empty.</summary>
    public virtual string Algorithm => "";

    protected CudaBackend Backend { get; } = backend;

    /// <summary>Bytes of device memory that the step needs besides the values, for some images at a time.</summary>
    public virtual long WorkspaceBytes(int images) => 0;

    /// <summary>Issues the step for some images.</summary>
    /// <param name="arena">The values, and a workspace of <see cref="WorkspaceBytes"/> for its capacity.</param>
    /// <param name="images">At most its capacity.</param>
    public abstract void Run(in CudaArena arena, int images);

    /// <summary>Has a call hold the step's constants.</summary>
    /// <exception cref="ObjectDisposedException">The step was disposed.</exception>
    public void Hold(in KernelCall call)
    {
        foreach (var constant in _owned)
            call.Hold(constant);
    }

    public void Dispose()
    {
        foreach (var constant in _owned)
            constant.Dispose();
    }

    /// <summary>Constants on the device, freed with the step; null stays null.</summary>
    protected CudaConstant? Own(float[]? values)
    {
        if (values is null)
            return null;
        try
        {
            var constant = new CudaConstant(Backend, values);
            _owned.Add(constant);
            return constant;
        }
        catch
        {
            // In a constructor: nobody else will give back what the step has already.
            Dispose();
            throw;
        }
    }

    /// <summary>The address of constants, 0 for none.</summary>
    protected static nint Address(CudaConstant? constant) => constant?.Pointer ?? 0;

    public static CudaStep Of(PlanNode node, ArenaLayout layout, CudaBackend backend) => node switch
    {
        ConvNode conv => new CudaConvStep(conv, layout, backend),
        PointwiseNode pointwise => new CudaPointwiseStep(pointwise, layout, backend),
        ActivationNode activation => new CudaActivationStep(activation, layout, backend),
        PoolNode pool => new CudaPoolStep(pool, layout, backend),
        LayerNormNode norm => new CudaLayerNormStep(norm, layout, backend),
        AttentionNode attention => new CudaAttentionStep(attention, layout, backend),
        _ => throw new NotSupportedException($"plan: CUDA has no step for {node.GetType().Name}"),
    };
}
