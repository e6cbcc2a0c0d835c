using System.Runtime.InteropServices;
using System.Text;
using EscNative.Kernels.Cuda.Loading;
using EscNative.Kernels.Cuda.Nvrtc;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>What of CUDA this machine has. Its absence is data, never an exception.</summary>
public static class CudaRuntime
{
    /// <summary>The environment variable that names the folder of compiled kernels; empty for none.</summary>
    public const string KernelCacheVariable = CubinCache.Variable;

    // CUDA 11.8: sm_89 and sm_90, and every entry point that is called here.
    private const int OldestDriver = 11080;
    private const string NameOfOldestDriver = "520";

    private static readonly Lazy<State> Current = new(Probe);

    /// <summary>Whether there is a driver, NVRTC and at least one device.</summary>
    public static bool IsAvailable => UnavailableReason is null;

    /// <summary>Why CUDA cannot be used, in a few words; null where it can.</summary>
    public static string? UnavailableReason => Current.Value.Reason;

    /// <summary>The same with every path that was tried, and the fix.</summary>
    public static string? UnavailableDetails => Current.Value is { Reason: { } reason } state
        ? string.Join("; ", state.Findings.Where(finding => finding.Path is null).Select(Explain).DefaultIfEmpty(reason))
        : null;

    /// <summary>The CUDA version that the driver supports, or null without a driver.</summary>
    public static Version? DriverVersion => Current.Value.Driver;

    /// <summary>Whether the driver is the emulated one of the tests: right results, meaningless times.</summary>
    public static bool IsEmulated => Current.Value.IsEmulated;

    /// <summary>The devices, as the driver counts them.</summary>
    public static IReadOnlyList<CudaDeviceInfo> Devices => Current.Value.Devices;

    /// <summary>What became of the search for each library. The optional ones are looked for now, if they were not before.</summary>
    public static IReadOnlyList<LibraryFinding> Findings =>
        [.. Current.Value.Findings, Load(CudaLibrary.Cublas).Finding, Load(CudaLibrary.Cusolver).Finding];

    /// <summary>Where compiled kernels are kept, or null where nothing can be kept.</summary>
    public static string? KernelCacheFolder => CubinCache.OfUser().Folder;

    /// <summary>Why no compiled kernel can be kept, in a few words; null where it can, or where the variable is set to nothing.</summary>
    public static string? KernelCacheProblem => CubinCache.OfUser().Problem;

    internal static NvrtcLibrary Nvrtc => Current.Value.Nvrtc ?? throw new DeviceException($"CUDA: {UnavailableDetails}");

    /// <summary>The library's handle, 0 where it is missing, and what was found.</summary>
    internal static (nint Handle, LibraryFinding Finding) Load(CudaLibrary library)
    {
        var handle = NativeLibraries.Load(library, DriverVersion?.Major, out var finding);
        return (handle, finding);
    }

    /// <summary>The reason why a library is missing, in one sentence with every path tried.</summary>
    internal static string Explain(LibraryFinding finding) =>
        $"{finding.Library}: {finding.Problem} (tried {string.Join(", ", finding.Tried)}){(finding.Fix is { } fix ? $"; {fix}" : "")}";

    private static unsafe State Probe()
    {
        var driver = NativeLibraries.Load(CudaLibrary.Driver, null, out var driverFinding);
        if (driver == 0)
            return new State($"{driverFinding.Library}: {driverFinding.Problem}", [driverFinding]);
        try
        {
            int number;
            if (DriverApi.cuDriverGetVersion(&number) is not 0 and var refused)
                return new State($"the driver ({driverFinding.Path}) does not say its version: {DriverError.Text(refused)}", [driverFinding]);
            var version = new Version(number / 1000, number % 1000 / 10);
            driverFinding = driverFinding with { Version = $"CUDA {version}" };
            var emulated = NativeLibrary.TryGetExport(driver, "escEmulatorVersion", out _);
            NativeLibraries.Load(CudaLibrary.Nvrtc, version.Major, out var nvrtcFinding);
            var state = new State(null, [driverFinding, nvrtcFinding]) { Driver = version, IsEmulated = emulated };
            if (number < OldestDriver)
            {
                return state with
                {
                    Reason = $"the driver supports CUDA {version}, wants 11.8 or newer; install driver {NameOfOldestDriver} or newer",
                };
            }

            if (DriverApi.cuInit(0) is not 0 and var error)
                return state with { Reason = $"the driver ({driverFinding.Path}) does not start: {DriverError.Text(error)}" };
            return WithNvrtc(state with { Devices = ListDevices() }, nvrtcFinding);
        }
        catch (EntryPointNotFoundException wrong)
        {
            driverFinding = driverFinding with { Problem = wrong.Message, Fix = LibrarySearch.FixFor(CudaLibrary.Driver) };
            return new State($"{driverFinding.Path} is not a CUDA driver, or one before 11.8: {wrong.Message}", [driverFinding]);
        }
    }

    private static State WithNvrtc(State state, LibraryFinding finding)
    {
        var handle = NativeLibraries.Load(CudaLibrary.Nvrtc, null, out _);
        if (handle == 0)
            return state with { Reason = $"{finding.Library}: {finding.Problem}" };
        try
        {
            var nvrtc = new NvrtcLibrary(handle, finding.Path);
            state = state with { Nvrtc = nvrtc, Findings = [state.Findings[0], finding with { Version = nvrtc.Version.ToString() }] };
        }
        catch (DeviceException wrong)
        {
            return state with
            {
                Reason = $"{finding.Path}: {wrong.Message}",
                Findings = [state.Findings[0], finding with { Problem = wrong.Message, Fix = LibrarySearch.FixFor(CudaLibrary.Nvrtc) }],
            };
        }

        return state.Devices.Length == 0 ? state with { Reason = "the driver sees no device" } : state;
    }

    private static unsafe CudaDeviceInfo[] ListDevices()
    {
        int count;
        return DriverApi.cuDeviceGetCount(&count) == 0 ? [.. Enumerable.Range(0, count).Select(Describe)] : [];
    }

    private static unsafe CudaDeviceInfo Describe(int ordinal)
    {
        const int length = 256;
        int device;
        nuint bytes;
        var name = stackalloc byte[length];
        name[0] = 0;
        _ = DriverApi.cuDeviceGet(&device, ordinal);
        _ = DriverApi.cuDeviceGetName(name, length, device);
        _ = DriverApi.cuDeviceTotalMem(&bytes, device);
        return new CudaDeviceInfo(
            ordinal,
            Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)),
            Attribute(device, DriverApi.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
            Attribute(device, DriverApi.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
            Attribute(device, DriverApi.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
            (long)bytes);
    }

    private static unsafe int Attribute(int device, int attribute)
    {
        int value;
        return DriverApi.cuDeviceGetAttribute(&value, attribute, device) == 0 ? value : 0;
    }

    private sealed record State(string? Reason, IReadOnlyList<LibraryFinding> Findings)
    {
        public Version? Driver { get; init; }

        public bool IsEmulated { get; init; }

        public NvrtcLibrary? Nvrtc { get; init; }

        public CudaDeviceInfo[] Devices { get; init; } = [];
    }
}
