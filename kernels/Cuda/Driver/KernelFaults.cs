using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>What kernels report of one device (a bad index, a bad label), kept apart by who issued them.</summary>
/// <remarks>
/// Each thread has some records in main memory that the device writes to, one for each launch since the thread's last wait (the last
/// of them for all further ones). A fault is thrown once: at the next wait of the thread that issued the kernel, or at the wait of a
/// thread that has used what the kernel wrote, or that launched the graph in which it was recorded; whichever comes first. Nobody
/// else is told. Memory carries a <see cref="FaultMark"/> that says which launches its values may come from.
/// </remarks>
internal sealed unsafe class KernelFaults
{
    /// <summary>Ints of one record: code, value, where (two), limit (two).</summary>
    internal const int RecordInts = 8;

    /// <summary>Records of one thread.</summary>
    internal const int Records = 32;

    private const int SlotsAtOnce = 64;

    // One for each device that this thread has used, mostly one.
    [ThreadStatic]
    private static FaultSlot? t_slot;

    [ThreadStatic]
    private static List<FaultSlot>? t_others;

    // Where the launches go that this thread records into a graph.
    [ThreadStatic]
    private static FaultSlot? t_recording;

    private readonly CudaContext _context;
    private readonly Lock _lock = new();
    private readonly List<nint> _blocks = [];
    private readonly ConcurrentQueue<(nint Host, nint Device, bool MayBeInUse)> _free = new();
    private volatile bool _released;

    /// <exception cref="DeviceException">There is no memory that the device can write to.</exception>
    public KernelFaults(CudaContext context)
    {
        _context = context;
        AddBlock();
    }

    /// <summary>The device address of the record for the calling thread's next launch.</summary>
    public nint Next()
    {
        var slot = t_recording ?? Current();
        return slot.Next();
    }

    /// <summary>What a value that the calling thread writes now may come from: nothing, after a wait.</summary>
    public FaultMark Mark() => t_slot is { } slot && slot.Owner == this ? slot.Mark() : Find(create: false)?.Mark() ?? default;

    /// <summary>The calling thread uses values of another one: from now on their faults concern it too.</summary>
    public void Use(in FaultMark mark)
    {
        if (mark.IsOpen && mark.Slot != t_slot && Current() is var slot && slot != mark.Slot)
            slot.Join(mark);
    }

    /// <summary>Throws the first fault that concerns the calling thread; the device has done all that it was given.</summary>
    public void Throw()
    {
        var slot = t_slot is { } mine && mine.Owner == this ? mine : Find(create: false);
        if (slot is not null && slot.Take(out var fault))
            Throw(fault);
    }

    /// <summary>Records for a graph, which outlive its launches.</summary>
    public FaultSlot ForGraph() => Take();

    /// <summary>Until <see cref="EndRecording"/> the calling thread's launches report to a graph's records.</summary>
    public static void BeginRecording(FaultSlot slot) => t_recording = slot;

    /// <inheritdoc cref="BeginRecording"/>
    public static void EndRecording() => t_recording = null;

    /// <summary>Gives the memory back; the device has stopped.</summary>
    public void Release()
    {
        _released = true;
        foreach (var block in _blocks)
            _ = DriverApi.cuMemFreeHost(block);
        _blocks.Clear();
    }

    // From a finalizer: the thread or the graph has gone.
    internal void Return(nint host, nint device, bool mayBeInUse)
    {
        if (!_released)
            _free.Enqueue((host, device, mayBeInUse));
    }

    private FaultSlot Current() => t_slot is { } slot && slot.Owner == this ? slot : Find(create: true)!;

    private FaultSlot? Find(bool create)
    {
        t_others?.RemoveAll(other => other.Owner._released);
        var slot = t_others?.Find(other => other.Owner == this);
        if (slot is null)
        {
            if (!create)
                return null;
            slot = Take();
            (t_others ??= []).Add(slot);
        }

        return t_slot = slot;
    }

    private FaultSlot Take()
    {
        _context.MakeCurrent();
        while (true)
        {
            if (!_free.TryDequeue(out var records))
            {
                AddBlock();
                continue;
            }

            // Nobody is left who would be told; but a kernel may still be about to write.
            if (records.MayBeInUse)
                _context.Check(DriverApi.cuStreamSynchronize(_context.Stream.Handle));
            new Span<int>((void*)records.Host, Records * RecordInts).Clear();
            return new FaultSlot(this, records.Host, records.Device);
        }
    }

    private void AddBlock()
    {
        const int Bytes = Records * RecordInts * sizeof(int);
        lock (_lock)
        {
            nint host, device;
            _context.Check(DriverApi.cuMemHostAlloc(&host, SlotsAtOnce * Bytes, DriverApi.CU_MEMHOSTALLOC_PORTABLE | DriverApi.CU_MEMHOSTALLOC_DEVICEMAP));
            _blocks.Add(host);
            _context.Check(DriverApi.cuMemHostGetDevicePointer(&device, host, 0));
            for (var i = 0; i < SlotsAtOnce; i++)
                _free.Enqueue((host + (i * Bytes), device + (i * Bytes), false));
        }
    }

    // In the words of the CPU's kernels.
    [DoesNotReturn]
    private void Throw(in (int Code, int Value, long Where, long Limit) fault) => throw (fault.Code switch
    {
        1 => new EscException(ErrorCode.BadInput, $"rows by index: index {fault.Where} is {fault.Value}, wants 0 to {fault.Limit - 1}"),
        2 => new EscException(ErrorCode.BadInput, $"cross-entropy: label {fault.Where} is {fault.Value}, wants 0 to {fault.Limit - 1}"),
        _ => new DeviceException($"{_context}: a kernel reported the unknown fault {fault.Code}"),
    });
}
