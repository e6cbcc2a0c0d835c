namespace EscNative.Engine;

/// <summary>A device's memory at one moment, in bytes, and what the process did with it.</summary>
/// <param name="Live">Bytes held by tensors.</param>
/// <param name="Cached">Bytes kept for reuse.</param>
/// <param name="Peak">The largest <paramref name="Live"/> since the start or the last <see cref="Device.ResetPeak"/>.</param>
/// <param name="LiveTensors">Tensors that were created and neither disposed nor collected.</param>
/// <param name="LateReturns">Blocks that only the garbage collector returned: each is a missing Dispose.</param>
/// <param name="SystemAllocations">How often memory was asked from the system rather than reused.</param>
public readonly record struct MemoryStatistics(
    long Live, long Cached, long Peak, long LiveTensors, long LateReturns, long SystemAllocations);
