using System.Runtime.InteropServices;
using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>Constants outside the managed heap, aligned for vectors, with room to read a vector past their end.</summary>
internal sealed unsafe class NativeFloats : NativeOwner
{
    private const int Slack = 64;

    private readonly float* _data;

    public NativeFloats(ReadOnlySpan<float> values)
    {
        _data = (float*)NativeMemory.AlignedAlloc((nuint)(values.Length + Slack) * sizeof(float), 64);
        values.CopyTo(new Span<float>(_data, values.Length));
        new Span<float>(_data + values.Length, Slack).Clear();
    }

    /// <summary>The address; only within a <see cref="KernelCall"/>.</summary>
    public float* Data
    {
        get
        {
            HoldInCall();
            return _data;
        }
    }

    protected override void Free(bool late) => NativeMemory.AlignedFree(_data);
}
