using System.Runtime.InteropServices;

namespace EscNative.Engine.Plans;

/// <summary>Floats in device memory that do not change.</summary>
internal sealed class CudaConstant : IDisposable
{
    private readonly CudaBackend _backend;
    private readonly long _bytes;

    public CudaConstant(CudaBackend backend, ReadOnlySpan<float> values)
    {
        (_backend, _bytes) = (backend, Math.Max(values.Length, 1) * (long)sizeof(float));
        Pointer = backend.Pool.Rent(_bytes, "plan");
        try
        {
            backend.Context.Upload(MemoryMarshal.AsBytes(values), Pointer);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    ~CudaConstant() => Free(late: true);

    public nint Pointer { get; private set; }

    public void Dispose()
    {
        Free(late: false);
        GC.SuppressFinalize(this);
    }

    private void Free(bool late)
    {
        if (Pointer == 0)
            return;
        _backend.Pool.Return(Pointer, _bytes, late);
        Pointer = 0;
    }
}
