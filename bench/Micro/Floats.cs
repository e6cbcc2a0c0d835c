using System.Runtime.InteropServices;
using EscNative.Kernels;

namespace EscNative.Bench.Micro;

/// <summary>Random numbers in native memory, aligned to cache lines.</summary>
internal sealed unsafe class Floats : IDisposable
{
    private float* _data;

    public Floats(long count, ulong seed = 1)
    {
        _data = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)) + 256, 64);
        new RandomSource(seed).FillUniform(new Span<float>(_data, checked((int)count)));
    }

    ~Floats() => Free();

    public float* Pointer => _data;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
