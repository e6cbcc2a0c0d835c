namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Main memory that the device copies from and to on its own, while the host goes on.</summary>
public sealed unsafe class PinnedMemory : CudaResource
{
    private readonly int _bytes;

    /// <summary>Uninitialised memory.</summary>
    /// <param name="context">The device.</param>
    /// <param name="bytes">Its size, 1 or more.</param>
    /// <exception cref="DeviceException">There is not enough.</exception>
    public PinnedMemory(CudaContext context, int bytes)
        : base(context)
    {
        context.MakeCurrent();
        nint pointer;
        context.Check(DriverApi.cuMemHostAlloc(&pointer, (nuint)bytes, DriverApi.CU_MEMHOSTALLOC_PORTABLE));
        Handle = pointer;
        _bytes = bytes;
    }

    /// <summary>Its address; only within a <see cref="KernelCall"/>.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    public nint Pointer => Handle;

    /// <summary>The memory; only within a <see cref="KernelCall"/>, and not to be used after it.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    public Span<byte> Span => new((void*)Handle, _bytes);

    private protected override void Free(nint handle)
    {
        // Unlike device memory it is not given back in the order of the stream: the device may still copy from it or to it.
        _ = DriverApi.cuStreamSynchronize(Context.Stream.Handle);
        _ = DriverApi.cuMemFreeHost(handle);
    }
}
