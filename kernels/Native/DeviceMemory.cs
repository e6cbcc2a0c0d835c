namespace EscNative.Kernels.Cuda;

/// <summary>Device memory of exactly the size asked for, for what lives long: arenas, workspaces. Tensors use a pool.</summary>
public sealed class DeviceMemory : CudaResource
{
    /// <summary>Uninitialised memory.</summary>
    /// <param name="context">The device.</param>
    /// <param name="bytes">Its size; 0 gives no address.</param>
    /// <param name="operation">Who asks, for the message.</param>
    /// <exception cref="DeviceOutOfMemoryException">There is not enough.</exception>
    public DeviceMemory(CudaContext context, long bytes, string operation)
        : base(context)
    {
        Bytes = bytes;
        if (bytes == 0)
            return;
        var pointer = context.Allocate(bytes);
        if (pointer == 0)
            throw new DeviceOutOfMemoryException(operation, bytes, context.MemoryInfo().Free, 0, 0);
        Handle = pointer;
    }

    /// <summary>Its size, in bytes.</summary>
    public long Bytes { get; }

    /// <summary>Its address on the device, aligned to 256 bytes.</summary>
    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    public nint Pointer => Bytes == 0 ? 0 : Handle;

    private protected override void Free(nint handle) => Context.Free(handle);
}
