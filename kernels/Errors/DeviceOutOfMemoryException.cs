namespace EscNative;

/// <summary>A device could not give the memory that an operation asked for. Every tensor stays valid.</summary>
/// <param name="operation">The operation that asked.</param>
/// <param name="requested">Bytes asked for.</param>
/// <param name="free">Bytes free on the device, or -1 where it does not say.</param>
/// <param name="live">Bytes held by live tensors.</param>
/// <param name="cached">Bytes held by the pool for reuse.</param>
public sealed class DeviceOutOfMemoryException(string operation, long requested, long free, long live, long cached)
    : DeviceException(
        $"{operation}: out of memory: asked for {requested:N0} bytes; free {(free < 0 ? "unknown" : free.ToString("N0"))}, " +
        $"live tensors {live:N0}, cached {cached:N0}. Use a smaller batch, or dispose tensors earlier.",
        code: ErrorCode.OutOfResources)
{
    /// <summary>Bytes asked for.</summary>
    public long Requested { get; } = requested;

    /// <summary>Bytes free on the device, or -1 where it does not say.</summary>
    public long Free { get; } = free;

    /// <summary>Bytes held by live tensors.</summary>
    public long Live { get; } = live;

    /// <summary>Bytes held by the pool for reuse.</summary>
    public long Cached { get; } = cached;

    /// <summary>The operation that asked.</summary>
    public string Operation { get; } = operation;
}
