namespace EscNative.Kernels.Cuda.Driver;

/// <summary>A mark in a stream, to wait for or to take times with.</summary>
public sealed unsafe class CudaEvent : CudaResource
{
    /// <summary>An event.</summary>
    /// <param name="context">The device.</param>
    /// <param name="timing">Whether it takes the time; without, recording it costs less.</param>
    /// <exception cref="DeviceException">The driver has none.</exception>
    public CudaEvent(CudaContext context, bool timing = false)
        : base(context)
    {
        context.MakeCurrent();
        nint handle;
        context.Check(DriverApi.cuEventCreate(&handle, timing ? 0 : DriverApi.CU_EVENT_DISABLE_TIMING));
        Handle = handle;
    }

    /// <summary>Whether everything before the last mark is done; also true before the first.</summary>
    public bool IsDone
    {
        get
        {
            using var call = KernelCall.Begin();
            Context.MakeCurrent();
            var error = DriverApi.cuEventQuery(Handle);
            if (error != DriverApi.CUDA_ERROR_NOT_READY)
                Context.Check(error, nameof(DriverApi.cuEventQuery));
            return error == 0;
        }
    }

    /// <summary>Marks this point of a stream.</summary>
    public void Record(CudaStream stream)
    {
        using var call = KernelCall.Begin();
        Context.MakeCurrent();
        Context.Check(DriverApi.cuEventRecord(Handle, stream.Handle));
    }

    /// <summary>Waits until everything before the last mark is done.</summary>
    public void Synchronize()
    {
        using var call = KernelCall.Begin();
        Context.MakeCurrent();
        Context.Check(DriverApi.cuEventSynchronize(Handle));
        Context.Counters.CountSynchronization();
    }

    /// <summary>Milliseconds on the device from another event's mark to this one's; both are done and take times.</summary>
    public float MillisecondsSince(CudaEvent start)
    {
        using var call = KernelCall.Begin();
        Context.MakeCurrent();
        float milliseconds;
        Context.Check(DriverApi.cuEventElapsedTime(&milliseconds, start.Handle, Handle));
        return milliseconds;
    }

    private protected override void Free(nint handle) => _ = DriverApi.cuEventDestroy(handle);
}
