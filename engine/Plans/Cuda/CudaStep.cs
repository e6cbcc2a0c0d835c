using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>A node of a plan with its constants on the device and its places in the arena known. Thread-safe.</summary>
internal abstract class CudaStep(CudaBackend backend) : IDisposable
{
    private readonly List<CudaConstant> _constants = [];

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
        foreach (var constant in _constants)
            call.Hold(constant);
    }

    public void Dispose()
    {
        foreach (var constant in _constants)
            constant.Dispose();
    }

    /// <summary>Constants on the device, freed with the step; null stays null.</summary>
    protected CudaConstant? Constant(float[]? values)
    {
        if (values is null)
            return null;
        try
        {
            var constant = new CudaConstant(Backend, values);
            _constants.Add(constant);
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
}
