using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>Memory that comes into L2 little by little, while something else is computed.</summary>
internal unsafe struct Prefetch
{
    private const int LineBytes = 64;

    private readonly nint _linesPerStep;
    private readonly byte* _end;
    private byte* _at;

    /// <summary>Divides memory among steps.</summary>
    /// <param name="from">The first value.</param>
    /// <param name="to">The value after the last one.</param>
    /// <param name="steps">How many times <see cref="Step"/> will be called, at least 1.</param>
    public Prefetch(float* from, float* to, int steps)
    {
        _at = (byte*)from;
        _end = (byte*)to;
        _linesPerStep = ((nint)((byte*)to - (byte*)from) + (steps * LineBytes) - 1) / (steps * LineBytes);
    }

    /// <summary>Fetches the next part, if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step()
    {
        for (nint i = 0; i < _linesPerStep && _at < _end; i++, _at += LineBytes)
        {
            if (Sse.IsSupported)
                Sse.Prefetch1(_at);
        }
    }
}
