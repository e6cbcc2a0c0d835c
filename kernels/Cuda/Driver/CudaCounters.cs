namespace EscNative.Kernels.Cuda.Driver;

/// <summary>What was asked of a device since the start. Read it before and after a piece of work; the difference is its cost.</summary>
public sealed class CudaCounters
{
    private long _launches;
    private long _graphLaunches;
    private long _synchronizations;
    private long _bytesToDevice;
    private long _bytesToHost;
    private long _allocations;

    /// <summary>Kernels launched or recorded; what libraries launch and what a recorded graph launches again is not counted.</summary>
    public long Launches => Interlocked.Read(ref _launches);

    /// <summary>Graphs launched.</summary>
    public long GraphLaunches => Interlocked.Read(ref _graphLaunches);

    /// <summary>How often the host waited for the device.</summary>
    public long Synchronizations => Interlocked.Read(ref _synchronizations);

    /// <summary>Bytes copied from the host to the device.</summary>
    public long BytesToDevice => Interlocked.Read(ref _bytesToDevice);

    /// <summary>Bytes copied from the device to the host.</summary>
    public long BytesToHost => Interlocked.Read(ref _bytesToHost);

    /// <summary>How often device memory was asked from the driver.</summary>
    public long Allocations => Interlocked.Read(ref _allocations);

    internal void CountLaunch() => Interlocked.Increment(ref _launches);

    internal void CountGraphLaunch() => Interlocked.Increment(ref _graphLaunches);

    internal void CountSynchronization() => Interlocked.Increment(ref _synchronizations);

    internal void CountToDevice(long bytes) => Interlocked.Add(ref _bytesToDevice, bytes);

    internal void CountToHost(long bytes) => Interlocked.Add(ref _bytesToHost, bytes);

    internal void CountAllocation() => Interlocked.Increment(ref _allocations);
}
