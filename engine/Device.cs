namespace EscNative.Engine;

/// <summary>Where tensors live and operations run.</summary>
public sealed class Device
{
    private const string NoCuda =
        "this version computes on the CPU only (the CUDA backend is not part of it yet); use --device cpu";

    private static Device? _default;

    private Device(string name, Backend backend)
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

    /// <summary>The best device at hand. It may be the CPU; <see cref="AutoReason"/> then says why.</summary>
    public static Device Auto => Cpu;

    /// <summary>Why <see cref="Auto"/> is the device that it is.</summary>
    public static string AutoReason => $"cpu: {NoCuda}";

    /// <summary>The name: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public string Name { get; }

    /// <summary>The memory of this device at this moment.</summary>
    public MemoryStatistics Memory => Backend.Pool.Statistics;

    /// <summary>Whether its memory is the host's.</summary>
    internal bool IsHost => this == Cpu;

    internal Backend Backend { get; }

    /// <summary>A GPU. It never falls back to the CPU.</summary>
    /// <exception cref="DeviceException">There is no such GPU, with the reason.</exception>
    public static Device Cuda(int ordinal = 0) => throw new DeviceException($"device cuda:{ordinal}: {NoCuda}");

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
}
