using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine;

/// <summary>A block of device memory, shared by the tensors that view it and returned to the pool with the last of them.</summary>
internal sealed class Storage : NativeOwner
{
    private readonly MemoryPool _pool;
    private readonly long _bytes;
    private readonly nint _pointer;

    public Storage(MemoryPool pool, long bytes, string operation)
    {
        _pool = pool;
        _bytes = bytes;
        _pointer = pool.Rent(bytes, operation);
        MarkWritten();
    }

    /// <summary>The address; only within a <see cref="KernelCall"/>.</summary>
    public nint Pointer
    {
        get
        {
            HoldInCall();
            return _pointer;
        }
    }

    /// <summary>Which kernels that may report a fault the values come from; nothing on the CPU.</summary>
    public FaultMark Faults { get; private set; }

    /// <summary>Whether one tensor alone sees this memory, so that it may be changed in place.</summary>
    public bool IsExclusive => References == 1;

    /// <summary>A kernel that may report a fault was issued to write here.</summary>
    public void MarkWritten() => Faults = _pool.FaultMark;

    /// <summary>One more tensor views this memory.</summary>
    public new void AddReference() => base.AddReference();

    /// <summary>A tensor no longer views it.</summary>
    public new void Release() => base.Release();

    protected override void Free(bool late)
    {
        if (_pointer == 0)
            return;
        // Only tensors that nobody disposed come late: the memory is saved, the mistake is counted.
        if (late)
            _pool.CountTensor(-References);
        _pool.Return(_pointer, _bytes, late);
    }
}
