using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Working memory of one factorisation: aligned, zeroed, returned to the system when the factorisation ends.</summary>
/// <remarks>
/// Not the thread's scratch memory, which would keep 100 MB alive after one large matrix. Without a finalizer, which could free it
/// under a kernel: whoever makes one disposes of it.
/// </remarks>
internal sealed unsafe class Workspace : IDisposable
{
    private double* _pointer;

    public Workspace(long count)
    {
        // The slack lets the next buffer start on a cache line of its own.
        var bytes = checked((nuint)(Math.Max(count, 1) * sizeof(double) + 64));
        _pointer = (double*)NativeMemory.AlignedAlloc(bytes, 64);
        NativeMemory.Clear(_pointer, bytes);
    }

    public double* Pointer => _pointer;

    /// <summary>A row length of at least n values that is whole cache lines, an odd number of them: a power of two would map
    /// one column of a matrix to a few cache sets.</summary>
    public static int Stride(int n) => (((n + 7) / 8) | 1) * 8;

    public void Dispose()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }
}
