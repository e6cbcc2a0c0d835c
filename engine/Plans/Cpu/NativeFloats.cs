using System.Runtime.InteropServices;

namespace EscNative.Engine.Plans;

/// <summary>Constants outside the managed heap, aligned for vectors, with room to read a vector past their end.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    private const int Slack = 64;

    public NativeFloats(ReadOnlySpan<float> values)
    {
        Data = (float*)NativeMemory.AlignedAlloc((nuint)(values.Length + Slack) * sizeof(float), 64);
        values.CopyTo(new Span<float>(Data, values.Length));
        new Span<float>(Data + values.Length, Slack).Clear();
    }

    ~NativeFloats() => Free();

    public float* Data { get; private set; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}
