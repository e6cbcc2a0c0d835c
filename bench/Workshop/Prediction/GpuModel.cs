using EscNative.Engine;
using EscNative.Kernels.Cuda;

namespace EscNative.Bench.Workshop;

/// <summary>A GPU as a few numbers, from which the times of kernels are predicted. What it says is no measurement.</summary>
/// <param name="Name">The device's name, or a part of it.</param>
/// <param name="Shape">Its multiprocessors.</param>
/// <param name="Hertz">The clock under load.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="BytesPerSecond">What its memory moves, by its data sheet.</param>
/// <param name="F64PerClock">Multiply-adds in float64 of a multiprocessor in a clock.</param>
internal sealed record GpuModel(string Name, GpuShape Shape, double Hertz, long MemoryBytes, double BytesPerSecond, double F64PerClock)
{
    /// <summary>From the end of a kernel to the beginning of the next one, in a graph or a queue that is full.</summary>
    public const double LaunchSeconds = 2e-6;

    /// <summary>The host's part of a launch.</summary>
    public const double IssueSeconds = 2.5e-6;

    /// <summary>Until the host goes on after the device is done.</summary>
    public const double WaitSeconds = 10e-6;

    /// <summary>A barrier of all blocks of a cooperative launch.</summary>
    public const double BarrierSeconds = 1.5e-6;

    /// <summary>From pinned memory, PCIe 5: 54.8 GB/s were seen on an H100 elsewhere.</summary>
    public const double UploadBytesPerSecond = 55e9;

    // Of what the data sheet says, a kernel that only reads and writes gets about so much.
    private const double StreamShare = 0.85;

    /// <summary>The device that docs/gpu-model.md is about.</summary>
    public static GpuModel H200 { get; } = new("H200", GpuShape.Nominal, 1.98e9, 141L << 30, 4.8e12, 64);

    /// <summary>Those that there are numbers for, by their data sheets (SXM where there are several).</summary>
    public static IReadOnlyList<GpuModel> All { get; } =
    [
        H200,
        new("H100", GpuShape.Nominal, 1.98e9, 80L << 30, 3.35e12, 64),
        new("A100", new GpuShape(108, 2), 1.41e9, 80L << 30, 2.0e12, 32),
        new("RTX 4090", new GpuShape(128), 2.52e9, 24L << 30, 1.0e12, 2),
    ];

    /// <summary>The model of a device in use, with its own number of multiprocessors; null where there are no numbers for it.</summary>
    public static GpuModel? Of(Device device)
    {
        if (CudaInterop.ContextOf(device) is not { IsEmulated: false } context)
            return null;
        return All.FirstOrDefault(m => context.Name.Contains(m.Name, StringComparison.OrdinalIgnoreCase)) is { } known
            ? known with { Shape = GpuShape.Of(context) }
            : null;
    }

    /// <summary>Seconds of some clocks.</summary>
    public double Seconds(double clocks) => clocks / Hertz;

    /// <summary>Kernels that read and write so many bytes between them.</summary>
    public double Stream(double bytes, int launches = 1) =>
        Math.Max(launches * IssueSeconds, (bytes / (StreamShare * BytesPerSecond)) + (launches * LaunchSeconds));

    /// <summary>A kernel that takes so many clocks of the multiprocessor with the most of it, and moves so many bytes.</summary>
    public double Kernel(double clocks, double bytes = 0) =>
        Math.Max(IssueSeconds, Math.Max(Seconds(clocks), bytes / (StreamShare * BytesPerSecond)) + LaunchSeconds);
}
