using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

/// <summary>A block of device memory, shared by the tensors that view it and returned to the pool with the last of them.</summary>
internal sealed class Storage
{
    private readonly MemoryPool _pool;
    private readonly long _bytes;
    private int _references = 1;

    public Storage(MemoryPool pool, long bytes, string operation)
    {
        _pool = pool;
        _bytes = bytes;
        Pointer = pool.Rent(bytes, operation);
        MarkWritten();
    }

    // Only reached by tensors that nobody disposed: the memory is saved, the mistake is counted.
    ~Storage()
    {
        if (Pointer == 0)
            return;
        _pool.CountTensor(-_references);
        _pool.Return(Pointer, _bytes, late: true);
    }

    public nint Pointer { get; private set; }

    /// <summary>Which kernels that may report a fault the values come from; nothing on the CPU.</summary>
    public FaultMark Faults { get; private set; }

    /// <summary>Whether one tensor alone sees this memory, so that it may be changed in place.</summary>
    public bool IsExclusive => Volatile.Read(ref _references) == 1;

    /// <summary>A kernel that may report a fault was issued to write here.</summary>
    public void MarkWritten() => Faults = _pool.FaultMark;

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0)
            return;
#pragma warning disable CA1816 // Counted references: this is the Dispose of the last of them.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        _pool.Return(Pointer, _bytes, late: false);
        Pointer = 0;
    }
}
