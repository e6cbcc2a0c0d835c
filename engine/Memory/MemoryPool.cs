using System.Numerics;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine;

/// <summary>Keeps freed blocks by size class and hands them out again.</summary>
/// <remarks>
/// Four classes to each doubling, so at most a quarter of a block is unused. Reuse matters more than it seems: giving every
/// large activation back to the system costs a page fault per 4 KiB on its next use.
/// </remarks>
internal abstract class MemoryPool
{
    private const int Smallest = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, Stack<nint>> _free = [];
    private long _live;
    private long _cached;
    private long _peak;
    private long _lateReturns;
    private long _systemAllocations;
    private long _liveTensors;

    public MemoryStatistics Statistics
    {
        get
        {
            lock (_lock)
            {
                return new MemoryStatistics(
                    _live, _cached, _peak, Interlocked.Read(ref _liveTensors), _lateReturns, _systemAllocations);
            }
        }
    }

    public static long SizeClass(long bytes)
    {
        if (bytes <= Smallest)
            return Smallest;
        var step = 1L << Math.Max(BitOperations.Log2((ulong)(bytes - 1)) - 2, 8);
        return (bytes + step - 1) / step * step;
    }

    /// <summary>Which kernels, of those that may report a fault, the calling thread has issued since its last wait.</summary>
    public virtual FaultMark FaultMark => default;

    public void ResetPeak()
    {
        lock (_lock)
            _peak = _live;
    }

    public void CountTensor(int change) => Interlocked.Add(ref _liveTensors, change);

    /// <summary>A block of <see cref="SizeClass"/> bytes.</summary>
    /// <exception cref="DeviceOutOfMemoryException">The system has none, also after the cache was given back.</exception>
    public nint Rent(long bytes, string operation)
    {
        var size = SizeClass(bytes);
        lock (_lock)
        {
            if (_free.TryGetValue(size, out var blocks) && blocks.TryPop(out var pointer))
            {
                _cached -= size;
            }
            else
            {
                pointer = AllocateBlock(size);
                if (pointer == 0)
                {
                    TrimLocked();
                    pointer = AllocateBlock(size);
                }

                if (pointer == 0)
                    throw new DeviceOutOfMemoryException(operation, size, FreeBytes(), _live, _cached);
                _systemAllocations++;
            }

            _live += size;
            _peak = Math.Max(_peak, _live);
            OnRent(pointer, bytes, size);
            return pointer;
        }
    }

    public void Return(nint pointer, long bytes, bool late)
    {
        var size = SizeClass(bytes);
        lock (_lock)
        {
            OnReturn(pointer, bytes, size);
            _live -= size;
            if (late)
                _lateReturns++;
            if (!KeepsReturned)
            {
                FreeBlock(pointer);
                TrimLocked();
                return;
            }

            try
            {
                if (!_free.TryGetValue(size, out var blocks))
                    _free[size] = blocks = new Stack<nint>();
                blocks.Push(pointer);
                _cached += size;
            }
            catch (OutOfMemoryException)
            {
                // Nobody who gives something back can do anything about it, a finalizer least of all.
                FreeBlock(pointer);
            }
        }
    }

    /// <summary>Gives every cached block back to the system.</summary>
    public void Trim()
    {
        lock (_lock)
            TrimLocked();
    }

    /// <summary>Bytes that were asked from the system and not given back.</summary>
    protected long Held => _live + _cached;

    /// <summary>Whether blocks that come back can be used again.</summary>
    protected virtual bool KeepsReturned => true;

    /// <summary>A block of memory, or 0 where the system has none.</summary>
    protected abstract nint AllocateBlock(long bytes);

    protected abstract void FreeBlock(nint pointer);

    protected abstract long FreeBytes();

    protected virtual void OnRent(nint pointer, long bytes, long size)
    {
    }

    protected virtual void OnReturn(nint pointer, long bytes, long size)
    {
    }

    private void TrimLocked()
    {
        foreach (var blocks in _free.Values)
        {
            while (blocks.TryPop(out var pointer))
                FreeBlock(pointer);
        }

        _free.Clear();
        _cached = 0;
    }
}
