namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Host memory from which batches travel to a device while the next one is gathered: two places of pinned memory that take turns, got
/// once for all batches of a request.</summary>
/// <remarks>The device reads pinned memory on its own, so a place is filled again only when everything is done that was issued before it was
/// handed over. Where memory cannot be pinned, or there is no device, it is plain memory: the driver then copies it before an upload
/// returns. Not safe for concurrent use.</remarks>
public sealed class UploadBuffer : IDisposable
{
    private readonly CudaContext? _context;
    private readonly PinnedMemory[] _pinned = [];
    private readonly CudaEvent[] _read = [];
    private readonly byte[] _plain = [];
    private int _next;

    /// <summary>Gets the memory.</summary>
    /// <param name="context">The device, or null for none.</param>
    /// <param name="bytes">Bytes of the largest batch, 1 or more.</param>
    /// <param name="batches">How many batches there will be: one wants one place.</param>
    /// <exception cref="DeviceException">The device fails, other than for want of memory that can be pinned.</exception>
    public UploadBuffer(CudaContext? context, int bytes, long batches = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        Bytes = bytes;
        if (context is not null)
        {
            var places = batches > 1 ? 2 : 1;
            var pinned = new List<PinnedMemory>();
            try
            {
                while (pinned.Count < places)
                    pinned.Add(new PinnedMemory(context, bytes));
                (_context, _pinned) = (context, [.. pinned]);
                _read = [.. pinned.Select(_ => new CudaEvent(context))];
                return;
            }
            catch (DeviceException none) when (none.Code == ErrorCode.OutOfResources)
            {
                // Slower, and as right.
                pinned.ForEach(p => p.Dispose());
                (_context, _pinned) = (null, []);
            }
        }

        _plain = GC.AllocateUninitializedArray<byte>(bytes);
    }

    /// <summary>Bytes of a batch, at most.</summary>
    public int Bytes { get; }

    /// <summary>Whether the device reads it on its own.</summary>
    public bool IsPinned => _pinned.Length > 0;

    /// <summary>Memory for the next batch; waits until the device is done with what stood there. Its contents are undefined. Only within a
    /// <see cref="KernelCall"/>, and not to be used after it.</summary>
    /// <exception cref="DeviceException">Something issued before failed, or the device is lost.</exception>
    public Span<byte> Next()
    {
        if (_context is null)
            return _plain;
        var read = _read[_next];
        if (!read.IsDone)
            read.Synchronize();
        return _pinned[_next].Span;
    }

    /// <summary>Says that everything was issued that reads the memory of the last <see cref="Next"/>.</summary>
    public void HandOver()
    {
        if (_context is null)
            return;
        _read[_next].Record(_context.Stream);
        _next = (_next + 1) % _pinned.Length;
    }

    /// <summary>Gives the memory back, when the device is done with it.</summary>
    public void Dispose()
    {
        try
        {
            // Of what was handed over, and of what was not because issuing it failed half-way.
            if (_context is { LostReason: null })
            {
                _read[_next].Record(_context.Stream);
                foreach (var read in _read)
                {
                    if (!read.IsDone)
                        read.Synchronize();
                }
            }
        }
        catch (DeviceException)
        {
            // A device that fails reads no more; whoever uses it next is told.
        }

        foreach (var read in _read)
            read.Dispose();
        foreach (var place in _pinned)
            place.Dispose();
    }
}
