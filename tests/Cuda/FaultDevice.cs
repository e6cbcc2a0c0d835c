using EscNative.Engine;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>A device of its own on ordinal 3 of the emulated machine, which a test may break without harm to others.</summary>
internal sealed class FaultDevice : IDisposable
{
    private const int Ordinal = 3;

    private FaultDevice(CubinCache cache)
    {
        Context = new CudaContext(Ordinal, cache);
        // The guard zones are read by calls that must not fail loudly: they would take the faults that are meant for others.
        var isChecked = CudaMemoryPool.Checked;
        CudaMemoryPool.Checked = false;
        Device = new Device($"cuda:{Ordinal}", new CudaBackend(Context));
        CudaMemoryPool.Checked = isChecked;
    }

    public CudaContext Context { get; }

    public Device Device { get; }

    /// <summary>The device, or a skip where faults cannot be injected.</summary>
    public static FaultDevice OrSkip(string? cacheFolder = null)
    {
        Assert.SkipWhen(EmulatedMachine.UsesGpu, "faults are injected into the emulated device");
        if (EmulatedMachine.UnavailableReason is { } reason)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }

        EmulatorApi.Reset();
        return new FaultDevice(new CubinCache(cacheFolder));
    }

    /// <summary>The same, with the faults that were asked for already.</summary>
    public static FaultDevice OrSkipKeeping() => new(new CubinCache(null));

    /// <summary>What the last owner of a block must give back at the latest when the collector runs.</summary>
    public MemoryStatistics Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Device.Memory;
    }

    public void Dispose()
    {
        EmulatorApi.Reset();
        var left = Settled();
        Device.Trim();
        Context.Release();
        EmulatorApi.Reset();
        Assert.Equal((0, 0), (left.Live, left.LiveTensors));
    }
}
