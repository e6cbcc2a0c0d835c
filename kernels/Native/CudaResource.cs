namespace EscNative.Kernels.Cuda;

/// <summary>The owner of one handle of a device: gives it back once, on Dispose or else from the finalizer, and never throws then.</summary>
public abstract class CudaResource : IDisposable
{
    private nint _handle;

    private protected CudaResource(CudaContext context) => Context = context;

    /// <summary>Gives the handle back if nobody disposed of it.</summary>
    ~CudaResource() => Release();

    /// <summary>The device.</summary>
    public CudaContext Context { get; }

    /// <summary>The handle.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    internal nint Handle
    {
        get
        {
            var handle = _handle;
            ObjectDisposedException.ThrowIf(handle == 0, this);
            return handle;
        }
        private protected set => _handle = value;
    }

    /// <summary>Gives the handle back. A device that was lost has nothing to give back, which is no error here.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    // The context is current.
    private protected abstract void Free(nint handle);

    private void Release()
    {
        // A constructor that threw leaves no handle, and perhaps no context.
        if (Interlocked.Exchange(ref _handle, 0) is not 0 and var handle && Context.TryMakeCurrent())
            Free(handle);
    }
}
