using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>A queue of work on a device, done in the order of issue. Any thread may issue; a launch takes no lock and allocates nothing.</summary>
public sealed unsafe class CudaStream
{
    // Where this thread's launches go while it records a graph. What other threads issue meanwhile runs as ever.
    [ThreadStatic]
    private static nint _recording;

    private readonly CudaContext _context;

    internal CudaStream(CudaContext context)
    {
        _context = context;
        Handle = Create();
    }

    internal nint Handle { get; private set; }

    /// <summary>Whether what this thread issues goes into a graph.</summary>
    public static bool IsCapturing => _recording != 0;

    /// <summary>Where work of this thread goes now.</summary>
    internal nint Target => _recording != 0 ? _recording : Handle;

    /// <summary>Launches a kernel.</summary>
    /// <param name="function">The kernel.</param>
    /// <param name="shape">Its blocks and threads.</param>
    /// <param name="arguments">A pointer to each argument, in the order of the kernel's parameters.</param>
    /// <exception cref="DeviceException">The device refuses the launch, or is lost.</exception>
    public void Launch(in CudaFunction function, in LaunchShape shape, void** arguments)
    {
        _context.MakeCurrent();
        var error = DriverApi.cuLaunchKernel(
            function.Handle, shape.GridX, shape.GridY, shape.GridZ, shape.BlockX, 1, 1, shape.SharedBytes, Target, arguments, null);
        if (error != 0)
            Refused(error, function, shape);
        _context.Counters.CountLaunch();
    }

    /// <summary>Launches a kernel whose blocks wait for each other: all of them run at once, or the launch is refused.</summary>
    /// <param name="function">The kernel.</param>
    /// <param name="shape">Its blocks and threads; at most <see cref="CudaContext.ResidentBlocks"/> blocks.</param>
    /// <param name="arguments">A pointer to each argument, in the order of the kernel's parameters.</param>
    /// <exception cref="DeviceException">The device refuses the launch, or is lost.</exception>
    public void LaunchCooperative(in CudaFunction function, in LaunchShape shape, void** arguments)
    {
        _context.MakeCurrent();
        var error = DriverApi.cuLaunchCooperativeKernel(
            function.Handle, shape.GridX, shape.GridY, shape.GridZ, shape.BlockX, 1, 1, shape.SharedBytes, Target, arguments);
        if (error != 0)
            Refused(error, function, shape);
        _context.Counters.CountLaunch();
    }

    /// <summary>Copies from the host. Pinned memory must stay as it is until the copy is done; other memory may be changed as soon as this returns.</summary>
    public void CopyToDevice(void* source, nint destination, long bytes)
    {
        NotCapturing("a copy from the host");
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemcpyHtoDAsync(destination, source, (nuint)bytes, Target));
        _context.Counters.CountToDevice(bytes);
    }

    /// <summary>Copies to the host; the values are there after <see cref="Synchronize"/>.</summary>
    public void CopyToHost(nint source, void* destination, long bytes)
    {
        NotCapturing("a copy to the host");
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemcpyDtoHAsync(destination, source, (nuint)bytes, Target));
        _context.Counters.CountToHost(bytes);
    }

    /// <summary>Copies within the device.</summary>
    public void Copy(nint source, nint destination, long bytes)
    {
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemcpyDtoDAsync(destination, source, (nuint)bytes, Target));
    }

    /// <summary>Sets every byte.</summary>
    public void Fill(nint destination, byte value, long bytes)
    {
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemsetD8Async(destination, value, (nuint)bytes, Target));
    }

    /// <summary>Waits until everything issued is done.</summary>
    /// <exception cref="EscException">A kernel of this thread, or one whose result it used, reported a bad index since its last wait.</exception>
    /// <exception cref="DeviceException">Something issued before failed, or the device is lost.</exception>
    public void Synchronize()
    {
        NotCapturing("a wait");
        _context.MakeCurrent();
        _context.Check(DriverApi.cuStreamSynchronize(Handle));
        _context.Counters.CountSynchronization();
        _context.ThrowOnFault();
    }

    /// <summary>Reads device memory now, for checks that must neither throw nor count; false where the device fails.</summary>
    public bool TryRead(nint source, Span<byte> destination)
    {
        if (!_context.TryMakeCurrent())
            return false;
        fixed (byte* bytes = destination)
        {
            var error = DriverApi.cuMemcpyDtoHAsync(bytes, source, (nuint)destination.Length, Handle);
            return _context.Succeeded(error == 0 ? DriverApi.cuStreamSynchronize(Handle) : error, nameof(TryRead));
        }
    }

    /// <summary>As <see cref="Fill"/>, for checks that must not throw; false where the device fails.</summary>
    public bool TryFill(nint destination, byte value, long bytes) =>
        _context.TryMakeCurrent()
        && _context.Succeeded(DriverApi.cuMemsetD8Async(destination, value, (nuint)bytes, Handle), nameof(TryFill));

    internal void BeginCapture()
    {
        NotCapturing("a recording");
        var stream = Create();
        var error = DriverApi.cuStreamBeginCapture(stream, DriverApi.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
        if (error != 0)
            _ = DriverApi.cuStreamDestroy(stream);
        _context.Check(error, nameof(DriverApi.cuStreamBeginCapture));
        _recording = stream;
    }

    internal int EndCapture(out nint graph)
    {
        var stream = _recording;
        _recording = 0;
        int error;
        fixed (nint* pointer = &graph)
            error = DriverApi.cuStreamEndCapture(stream, pointer);
        _ = DriverApi.cuStreamDestroy(stream);
        return error;
    }

    internal void Destroy()
    {
        if (Handle != 0 && _context.TryMakeCurrent())
            _ = DriverApi.cuStreamDestroy(Handle);
        Handle = 0;
    }

    private nint Create()
    {
        _context.MakeCurrent();
        nint handle;
        _context.Check(DriverApi.cuStreamCreate(&handle, DriverApi.CU_STREAM_NON_BLOCKING));
        return handle;
    }

    private void NotCapturing(string what)
    {
        if (IsCapturing)
            throw new DeviceException($"{_context}: {what} while a graph is recorded; do it before or after");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Refused(int error, in CudaFunction function, in LaunchShape shape) => _context.Throw(
        error, $"launch of {function.Name} with {shape.GridX} x {shape.GridY} x {shape.GridZ} blocks of {shape.BlockX} threads, {shape.SharedBytes} bytes shared");
}
