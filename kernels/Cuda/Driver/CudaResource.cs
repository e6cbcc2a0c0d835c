namespace EscNative.Kernels.Cuda.Driver;

/// <summary>The owner of one handle of a device: gives it back once, on Dispose or else from the finalizer, and never throws then.</summary>
public abstract class CudaResource : NativeOwner
{
    private nint _handle;

    private protected CudaResource(CudaContext context) => Context = context;

    /// <summary>The device.</summary>
    public CudaContext Context { get; }

    /// <summary>The handle; only within a <see cref="KernelCall"/>.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    internal nint Handle
    {
        get
        {
            HoldInCall();
            return _handle;
        }
        private protected set => _handle = value;
    }

    /// <summary>Gives the handle back. A device that was lost has nothing to give back, which is no error here.</summary>
    /// <param name="late">Whether nobody disposed of it.</param>
    protected sealed override void Free(bool late)
    {
        // A constructor that threw leaves no handle, and perhaps no context.
        if (_handle != 0 && Context.TryMakeCurrent())
            Free(_handle);
        _handle = 0;
    }

    // The context is current.
    private protected abstract void Free(nint handle);
}
