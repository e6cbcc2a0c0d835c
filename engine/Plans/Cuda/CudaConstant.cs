using System.Runtime.InteropServices;
using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>Floats in device memory that do not change.</summary>
internal sealed class CudaConstant : NativeOwner
{
    private readonly CudaBackend _backend;
    private readonly long _bytes;
    private readonly nint _pointer;

    public CudaConstant(CudaBackend backend, ReadOnlySpan<float> values)
    {
        (_backend, _bytes) = (backend, Math.Max(values.Length, 1) * (long)sizeof(float));
        _pointer = backend.Pool.Rent(_bytes, "plan");
        try
        {
            backend.Context.Upload(MemoryMarshal.AsBytes(values), _pointer);
        }
        catch
        {
            Dispose();
            throw;
        }
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

    protected override void Free(bool late)
    {
        if (_pointer != 0)
            _backend.Pool.Return(_pointer, _bytes, late);
    }
}
