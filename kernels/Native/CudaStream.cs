using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cuda;

/// <summary>A queue of work on a device, done in the order of issue. Any thread may issue; a launch takes no lock and allocates nothing.</summary>
public sealed unsafe class CudaStream
{
    private const uint NonBlocking = 1;

    // Only calls of the recording thread are held to the rules of recording.
    private const int CaptureThreadLocal = 1;

    private readonly CudaContext _context;
    private volatile bool _capturing;

    internal CudaStream(CudaContext context)
    {
        _context = context;
        context.MakeCurrent();
        nint handle;
        context.Check(DriverApi.cuStreamCreate(&handle, NonBlocking));
        Handle = handle;
    }

    internal nint Handle { get; private set; }

    /// <summary>Whether what is issued goes into a graph.</summary>
    public bool IsCapturing => _capturing;

    /// <summary>Launches a kernel.</summary>
    /// <param name="function">The kernel.</param>
    /// <param name="shape">Its blocks and threads.</param>
    /// <param name="arguments">A pointer to each argument, in the order of the kernel's parameters.</param>
    /// <exception cref="DeviceException">The device refuses the launch, or is lost.</exception>
    public void Launch(in CudaFunction function, in LaunchShape shape, void** arguments)
    {
        _context.MakeCurrent();
        var error = DriverApi.cuLaunchKernel(
            function.Handle, shape.GridX, shape.GridY, shape.GridZ, shape.BlockX, 1, 1, shape.SharedBytes, Handle, arguments, null);
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
            function.Handle, shape.GridX, shape.GridY, shape.GridZ, shape.BlockX, 1, 1, shape.SharedBytes, Handle, arguments);
        if (error != 0)
            Refused(error, function, shape);
        _context.Counters.CountLaunch();
    }

    /// <summary>Copies from the host. Pinned memory must stay as it is until the copy is done; other memory may be changed as soon as this returns.</summary>
    public void CopyToDevice(void* source, nint destination, long bytes)
    {
        NotCapturing("a copy from the host");
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemcpyHtoDAsync(destination, source, (nuint)bytes, Handle));
        _context.Counters.CountToDevice(bytes);
    }

    /// <summary>Copies to the host; the values are there after <see cref="Synchronize"/>.</summary>
    public void CopyToHost(nint source, void* destination, long bytes)
    {
        NotCapturing("a copy to the host");
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemcpyDtoHAsync(destination, source, (nuint)bytes, Handle));
        _context.Counters.CountToHost(bytes);
    }

    /// <summary>Copies within the device.</summary>
    public void Copy(nint source, nint destination, long bytes)
    {
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemcpyDtoDAsync(destination, source, (nuint)bytes, Handle));
    }

    /// <summary>Sets every byte.</summary>
    public void Fill(nint destination, byte value, long bytes)
    {
        _context.MakeCurrent();
        _context.Check(DriverApi.cuMemsetD8Async(destination, value, (nuint)bytes, Handle));
    }

    /// <summary>Waits until everything issued is done.</summary>
    /// <exception cref="EscException">A kernel reported a bad index since the last wait.</exception>
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
        _context.MakeCurrent();
        _context.Check(DriverApi.cuStreamBeginCapture(Handle, CaptureThreadLocal));
        _capturing = true;
    }

    internal int EndCapture(out nint graph)
    {
        _capturing = false;
        fixed (nint* pointer = &graph)
            return DriverApi.cuStreamEndCapture(Handle, pointer);
    }

    internal void Destroy()
    {
        if (Handle != 0 && _context.TryMakeCurrent())
            _ = DriverApi.cuStreamDestroy(Handle);
        Handle = 0;
    }

    private void NotCapturing(string what)
    {
        if (_capturing)
            throw new DeviceException($"{_context}: {what} while a graph is recorded; do it before or after");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Refused(int error, in CudaFunction function, in LaunchShape shape) => _context.Throw(
        error, $"launch of {function.Name} with {shape.GridX} x {shape.GridY} x {shape.GridZ} blocks of {shape.BlockX} threads, {shape.SharedBytes} bytes shared");
}
