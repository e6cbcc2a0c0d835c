using System.Runtime.InteropServices;
using EscNative.Kernels;

namespace EscNative.Bench.Micro;

/// <summary>Random numbers in native memory, aligned to cache lines. Without a finalizer, which could free them under a kernel: whoever
/// makes them disposes of them.</summary>
internal sealed unsafe class Floats : IDisposable
{
    private float* _data;

    public Floats(long count, ulong seed = 1)
    {
        _data = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)) + 256, 64);
        new RandomSource(seed).FillUniform(new Span<float>(_data, checked((int)count)));
    }

    public float* Pointer => _data;

    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
