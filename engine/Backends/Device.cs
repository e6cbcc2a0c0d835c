using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine;

/// <summary>Where tensors live and operations run.</summary>
public sealed class Device
{
    private static readonly Lock CudaLock = new();
    private static readonly Dictionary<int, Device> CudaDevices = [];
    private static readonly Lazy<(Device Device, string Reason)> BestDevice = new(Choose);

    private static Device? _default;

    internal Device(string name, Backend backend)
    {
        Name = name;
        Backend = backend;
    }

    /// <summary>The CPU: present on every machine.</summary>
    public static Device Cpu { get; } = new("cpu", new CpuBackend());

    /// <summary>Where tensors, modules and plans are made when no device is named: the CPU, unless a program sets another one at its
    /// start.</summary>
    public static Device Default
    {
        get => _default ?? Cpu;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _default = value;
        }
    }

    /// <summary>The best device at hand: the first GPU, or the CPU where there is none that can be used; <see cref="AutoReason"/> says
    /// why. Never an emulated GPU.</summary>
    public static Device Auto => BestDevice.Value.Device;

    /// <summary>Why <see cref="Auto"/> is the device that it is.</summary>
    public static string AutoReason => BestDevice.Value.Reason;

    /// <summary>The name: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public string Name { get; }

    /// <summary>The memory of this device at this moment.</summary>
    public MemoryStatistics Memory => Backend.Pool.Statistics;

    /// <summary>Whether it is the emulated GPU of the tests: right results, meaningless times.</summary>
    public bool IsEmulated => Backend is CudaBackend { Context.IsEmulated: true };

    /// <summary>Whether its memory is the host's.</summary>
    internal bool IsHost => this == Cpu;

    internal Backend Backend { get; }

    /// <summary>What decides how this device rounds, beside the code: for keys of caches.</summary>
    public IReadOnlyList<string> Identity => Backend is CudaBackend cuda ? cuda.Identity : [Name];

    /// <summary>A GPU. It never falls back to the CPU.</summary>
    /// <exception cref="DeviceException">There is no such GPU, or it cannot be used: with the reason, every path tried, and the fix.</exception>
    public static Device Cuda(int ordinal = 0)
    {
        lock (CudaLock)
        {
            if (!CudaDevices.TryGetValue(ordinal, out var device))
                CudaDevices[ordinal] = device = new Device($"cuda:{ordinal}", new CudaBackend(CudaContext.Get(ordinal)));
            return device;
        }
    }

    /// <summary>The device that a name means: <c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>.</summary>
    /// <exception cref="UsageException">The name is none of these.</exception>
    /// <exception cref="DeviceException">The device is not there.</exception>
    public static Device Parse(string name)
    {
        switch (name)
        {
            case "auto":
                return Auto;
            case "cpu":
                return Cpu;
            case "cuda":
                return Cuda();
        }

        return name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(5), System.Globalization.NumberStyles.None, null, out var ordinal)
                ? Cuda(ordinal)
                : throw new UsageException($"device: got '{name}', wants auto, cpu, cuda or cuda:N");
    }

    /// <summary>Waits until the device has finished what it was given. On the CPU nothing is ever pending.</summary>
    public void Synchronize() => Backend.Synchronize();

    /// <summary>Gives cached memory back to the system.</summary>
    public void Trim() => Backend.Pool.Trim();

    /// <summary>Starts a new measurement of the peak.</summary>
    public void ResetPeak() => Backend.Pool.ResetPeak();

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static (Device Device, string Reason) Choose()
    {
        if (CudaRuntime.UnavailableReason is { } reason)
            return (Cpu, $"no GPU: {reason}");
        // Times on it mean nothing, so nobody gets it by chance.
        if (CudaRuntime.IsEmulated)
            return (Cpu, "the GPU is emulated; cuda takes it");
        try
        {
            return (Cuda(), $"{CudaRuntime.Devices[0].Name}, the first of {CudaRuntime.Devices.Count}");
        }
        catch (DeviceException unusable)
        {
            return (Cpu, unusable.Message);
        }
    }
}
