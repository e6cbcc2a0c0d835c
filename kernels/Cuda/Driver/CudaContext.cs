using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>A device in use: its primary context, its stream, its modules. One for each device and process; any thread may use it.</summary>
/// <remarks>
/// Some errors (an illegal address in a kernel, say) make a context useless. From then on every call throws and says so, what is
/// disposed is forgotten without an error, and only a new process can use the device again.
/// <para>
/// Other errors concern one request only: an index or a label out of range, which a kernel leaves out and reports. It is thrown once,
/// at the next wait (a copy to the host, <see cref="CudaStream.Synchronize"/>) of the thread that issued the kernel, or of a thread
/// that has used a tensor that comes from it; other threads are not told.
/// </para>
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as the process; Release is for those of tests.")]
public sealed unsafe class CudaContext
{
    // In NVRTC's words sm_80: cp.async and the bf16 tensor cores begin there.
    private const int OldestMajor = 8;

    private static readonly Lock ContextsLock = new();
    private static readonly Dictionary<int, CudaContext> Contexts = [];

    // What the driver has as this thread's current context, as far as this library set it. Another library in the process may
    // change it, but all libraries share a device's primary context, and code for several devices sets it before each use.
    [ThreadStatic]
    private static CudaContext? t_current;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, CudaModule> _modules = [];
    private readonly CubinCache _cache;
    private readonly int _device;
    private readonly KernelFaults? _faults;
    private readonly HostCopies _copies = null!;
    private nint _handle;
    private volatile string? _lost;

    internal CudaContext(int ordinal, CubinCache cache)
    {
        if (CudaRuntime.UnavailableDetails is { } reason)
            throw new DeviceException($"device cuda:{ordinal}: {reason}");
        Info = CudaRuntime.Devices.FirstOrDefault(device => device.Ordinal == ordinal)
            ?? throw new DeviceException($"device cuda:{ordinal}: there is none; the driver sees {Names()}");
        if (Info.Major < OldestMajor)
        {
            throw new DeviceException(
                $"{this} ({Name}): has compute capability {Info.Major}.{Info.Minor}, wants {OldestMajor}.0 or newer; use --device cpu");
        }

        if (CudaRuntime.Nvrtc.IsEmulated != IsEmulated)
        {
            throw new DeviceException(
                $"{this} ({Name}): NVRTC and the driver must both be NVIDIA's or both be the emulated ones of the tests; got {CudaRuntime.Nvrtc.Identity} with {(IsEmulated ? "the emulated" : "NVIDIA's")} driver; set {LibraryFolders.Variable} to one folder, or unset it");
        }

        _cache = cache;
        int device;
        Check(DriverApi.cuDeviceGet(&device, ordinal));
        _device = device;
        nint handle;
        Check(DriverApi.cuDevicePrimaryCtxRetain(&handle, _device));
        _handle = handle;
        try
        {
            MaxSharedBytes = Attribute(DriverApi.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
            CanCooperate = Attribute(DriverApi.CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH) != 0;
            Stream = new CudaStream(this);
            _faults = new KernelFaults(this);
            _copies = new HostCopies(this);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>The device's number.</summary>
    public int Ordinal => Info.Ordinal;

    /// <summary>The device's name, as the driver gives it.</summary>
    public string Name => Info.Name;

    /// <summary>The device's compute capability: (9, 0) for sm_90.</summary>
    public (int Major, int Minor) ComputeCapability => (Info.Major, Info.Minor);

    /// <summary>What decides how it rounds: the device, its size (which cuts sums), its driver and the compiler. For keys of caches.</summary>
    public string Identity => $"{Name}, sm_{Info.Major}{Info.Minor}, {Multiprocessors} multiprocessors, driver {CudaRuntime.DriverVersion}, {CudaRuntime.Nvrtc.Identity}";

    /// <summary>Whether it is the emulated device of the tests: right results, meaningless times.</summary>
    public bool IsEmulated { get; } = CudaRuntime.IsEmulated;

    /// <summary>How many multiprocessors the device has.</summary>
    public int Multiprocessors => Info.Multiprocessors;

    /// <summary>The most shared memory that a block can ask for, in bytes.</summary>
    public int MaxSharedBytes { get; }

    /// <summary>Whether the device can run kernels whose blocks wait for each other.</summary>
    public bool CanCooperate { get; }

    /// <summary>The stream that everything is issued on.</summary>
    public CudaStream Stream { get; private set; } = null!;

    /// <summary>What was asked of the device so far.</summary>
    public CudaCounters Counters { get; } = new();

    /// <summary>What values that the calling thread writes now may come from.</summary>
    public FaultMark FaultMark => _faults!.Mark();

    /// <summary>Why the device cannot be used any more in this process, or null.</summary>
    public string? LostReason => _lost;

    internal KernelFaults Faults => _faults!;

    /// <summary>The device as the driver describes it.</summary>
    internal CudaDeviceInfo Info { get; }

    /// <summary>The context of a device, made the first time.</summary>
    /// <exception cref="DeviceException">There is no such device, or it cannot be used; with the reason and the fix.</exception>
    public static CudaContext Get(int ordinal = 0)
    {
        lock (ContextsLock)
        {
            if (!Contexts.TryGetValue(ordinal, out var context))
                Contexts[ordinal] = context = new CudaContext(ordinal, CubinCache.OfUser());
            return context;
        }
    }

    /// <summary>The kernels of a family, compiled or taken from the cache the first time.</summary>
    /// <param name="family">The source's name without its ending: "elementwise".</param>
    /// <exception cref="DeviceException">They cannot be compiled or loaded.</exception>
    public CudaModule Module(string family)
    {
        lock (_lock)
        {
            if (!_modules.TryGetValue(family, out var module))
            {
                MakeCurrent();
                _modules[family] = module = Load(family);
            }

            return module;
        }
    }

    /// <summary>The device address of the six ints in which the calling thread's next launch may report a bad index
    /// (<c>report_fault</c> of the prelude); of a recorded launch, for as long as the graph lives.</summary>
    public nint NextFault() => _faults!.Next();

    /// <summary>The calling thread goes on with values of another thread: faults of their making concern it too.</summary>
    /// <param name="mark">What the values came from: <see cref="FaultMark"/> when they were written.</param>
    public void Use(in FaultMark mark) => _faults!.Use(mark);

    /// <summary>Device memory, aligned to 256 bytes.</summary>
    /// <returns>Its address, or 0 where there is not enough.</returns>
    /// <exception cref="DeviceException">Something else went wrong.</exception>
    public nint Allocate(long bytes)
    {
        MakeCurrent();
        nint pointer;
        var error = DriverApi.cuMemAlloc(&pointer, (nuint)bytes);
        if (error == DriverApi.CUDA_ERROR_OUT_OF_MEMORY)
            return 0;
        Check(error, nameof(DriverApi.cuMemAlloc));
        Counters.CountAllocation();
        return pointer;
    }

    /// <summary>Gives device memory back. It waits for the device. It never throws: a lost device has nothing to give back.</summary>
    public void Free(nint pointer)
    {
        if (TryMakeCurrent())
            Succeeded(DriverApi.cuMemFree(pointer), nameof(DriverApi.cuMemFree));
    }

    /// <summary>Issues a copy from the host to the device; the source may change when this returns.</summary>
    /// <exception cref="DeviceException">The device refuses it, or is lost.</exception>
    public void Upload(ReadOnlySpan<byte> source, nint destination) => _copies.Upload(source, destination);

    /// <summary>Copies from the device to the host, once everything issued before is done.</summary>
    /// <exception cref="EscException">A kernel of this thread, or one whose result it used, reported a bad index since its last wait.</exception>
    /// <exception cref="DeviceException">Something issued before failed, or the device is lost.</exception>
    public void Download(nint source, Span<byte> destination) => _copies.Download(source, destination);

    /// <summary>Free and total device memory, in bytes, of all processes together.</summary>
    public (long Free, long Total) MemoryInfo()
    {
        MakeCurrent();
        nuint free, total;
        Check(DriverApi.cuMemGetInfo(&free, &total));
        return ((long)free, (long)total);
    }

    /// <summary>Lets a kernel ask for more dynamic shared memory than the usual 48 KiB.</summary>
    public void AllowSharedBytes(in CudaFunction function, int bytes)
    {
        MakeCurrent();
        Check(DriverApi.cuFuncSetAttribute(function.Handle, DriverApi.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes));
    }

    /// <summary>How many blocks of a kernel the device holds at once: the limit of a cooperative launch.</summary>
    public int ResidentBlocks(in CudaFunction function, int threads, int sharedBytes = 0)
    {
        MakeCurrent();
        int blocks;
        Check(DriverApi.cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function.Handle, threads, (nuint)sharedBytes));
        return blocks * Multiprocessors;
    }

    /// <summary><c>cuda:0</c>.</summary>
    public override string ToString() => $"cuda:{Ordinal}";

    /// <summary>Makes this the calling thread's context; costs two comparisons where it is already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void MakeCurrent()
    {
        if (t_current != this || _lost is not null)
            Switch();
    }

    /// <summary>The same for what must not throw; false when the context is lost or released.</summary>
    internal bool TryMakeCurrent()
    {
        if (_lost is not null || _handle == 0)
            return false;
        if (t_current != this)
        {
            if (!Succeeded(DriverApi.cuCtxSetCurrent(_handle), nameof(DriverApi.cuCtxSetCurrent)))
                return false;
            t_current = this;
        }

        return true;
    }

    /// <summary>Throws unless a driver call succeeded.</summary>
    /// <param name="error">The call.</param>
    internal void Check(int error, [CallerArgumentExpression(nameof(error))] string call = "")
    {
        if (error != 0)
            Throw(error, call);
    }

    /// <summary>The same for what must not throw: only remembers when the device is lost.</summary>
    internal bool Succeeded(int error, string call)
    {
        if (DriverError.IsSticky(error))
            _lost ??= $"{call}: {DriverError.Text(error)}";
        return error == 0;
    }

    [DoesNotReturn]
    internal void Throw(int error, string call)
    {
        // From an argument expression: DriverApi.cuMemFree(pointer).
        if (call.StartsWith(nameof(DriverApi), StringComparison.Ordinal))
            call = call[(nameof(DriverApi).Length + 1)..call.IndexOf('(', StringComparison.Ordinal)];
        Succeeded(error, call);
        throw new DeviceException(
            $"{this}: {call} failed: {DriverError.Text(error)}{(_lost is null ? "" : "; the device is lost to this process, start it again")}",
            code: error == DriverApi.CUDA_ERROR_OUT_OF_MEMORY ? ErrorCode.OutOfResources : ErrorCode.Device);
    }

    /// <summary>Throws what kernels reported to the calling thread since its last wait; the stream must be idle.</summary>
    internal void ThrowOnFault() => _faults!.Throw();

    /// <summary>Gives everything back. Contexts of <see cref="Get"/> live as long as the process; this is for those of tests.</summary>
    internal void Release()
    {
        foreach (var module in _modules.Values)
            module.Unload();
        _modules.Clear();
        _copies?.Dispose();
        Stream?.Destroy();
        if (TryMakeCurrent())
            _faults?.Release();
        if (_handle != 0)
            _ = DriverApi.cuDevicePrimaryCtxRelease(_device);
        _handle = 0;
        if (t_current == this)
            t_current = null;
    }

    private CudaModule Load(string family)
    {
        var image = KernelCompiler.MachineCode(CudaRuntime.Nvrtc, _cache, family, Info, out var isKept);
        try
        {
            return new CudaModule(this, family, image);
        }
        catch (DeviceException failure) when (isKept && _lost is null && failure.Code != ErrorCode.OutOfResources)
        {
            // As whole as it was written, and yet no module of this device: what a compiler makes now decides.
            return new CudaModule(this, family, KernelCompiler.CompileAndKeep(CudaRuntime.Nvrtc, _cache, family, Info));
        }
    }

    private static string Names() => CudaRuntime.Devices.Count == 0
        ? "none"
        : string.Join(", ", CudaRuntime.Devices.Select(device => $"cuda:{device.Ordinal} ({device.Name})"));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Switch()
    {
        if (_lost is { } reason)
            throw new DeviceException($"{this}: the device is lost to this process since an earlier error ({reason}); start the process again");
        Check(DriverApi.cuCtxSetCurrent(_handle));
        t_current = this;
    }

    private int Attribute(int attribute)
    {
        int value;
        Check(DriverApi.cuDeviceGetAttribute(&value, attribute, _device));
        return value;
    }
}
