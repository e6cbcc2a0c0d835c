namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Copies between the host and a device. Small ones go through pinned memory that is kept for them.</summary>
/// <remarks>
/// The device copies from and to pinned memory on its own: an upload returns as soon as the bytes lie there. A place is filled again
/// only once the device has read it. From other memory the driver copies piece by piece, which pays for large blocks only.
/// Where memory cannot be pinned every copy goes the second way.
/// </remarks>
internal sealed unsafe class HostCopies : IDisposable
{
    private const int Places = 8;
    private const int PlaceBytes = 128 << 10;

    private readonly CudaContext _context;
    private readonly Lock _upLock = new();
    private readonly Lock _downLock = new();
    private readonly CudaEvent[] _read = new CudaEvent[Places];

    // The last place is that of downloads.
    private readonly PinnedMemory? _pinned;
    private int _next;

    public HostCopies(CudaContext context)
    {
        _context = context;
        for (var i = 0; i < Places; i++)
            _read[i] = new CudaEvent(context);
        try
        {
            _pinned = new PinnedMemory(context, (Places + 1) * PlaceBytes);
        }
        catch (DeviceException none) when (none.Code == ErrorCode.OutOfResources)
        {
            // Slower, and as right.
        }
    }

    /// <summary>Issues an upload; the source may change when this returns.</summary>
    public void Upload(ReadOnlySpan<byte> source, nint destination)
    {
        if (source.IsEmpty)
            return;
        using var call = KernelCall.Begin();
        fixed (byte* bytes = source)
        {
            if (_pinned is null || source.Length > PlaceBytes)
            {
                _context.Stream.CopyToDevice(bytes, destination, source.Length);
                return;
            }

            lock (_upLock)
            {
                var read = _read[_next];
                if (!read.IsDone)
                    read.Synchronize();
                var place = _pinned.Pointer + ((nint)_next * PlaceBytes);
                _next = (_next + 1) % Places;
                source.CopyTo(new Span<byte>((void*)place, PlaceBytes));
                _context.Stream.CopyToDevice((void*)place, destination, source.Length);
                read.Record(_context.Stream);
            }
        }
    }

    /// <summary>Downloads, once everything issued before is done.</summary>
    public void Download(nint source, Span<byte> destination)
    {
        if (destination.IsEmpty)
            return;
        using var call = KernelCall.Begin();
        fixed (byte* bytes = destination)
        {
            if (_pinned is null || destination.Length > PlaceBytes)
            {
                _context.Stream.CopyToHost(source, bytes, destination.Length);
                _context.Stream.Synchronize();
                return;
            }

            lock (_downLock)
            {
                var place = (void*)(_pinned.Pointer + ((nint)Places * PlaceBytes));
                _context.Stream.CopyToHost(source, place, destination.Length);
                _context.Stream.Synchronize();
                new ReadOnlySpan<byte>(place, destination.Length).CopyTo(destination);
            }
        }
    }

    public void Dispose()
    {
        _pinned?.Dispose();
        foreach (var read in _read)
            read?.Dispose();
    }
}
