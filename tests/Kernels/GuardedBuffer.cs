using System.Runtime.InteropServices;

namespace EscNative.Tests.Kernels;

/// <summary>Native memory between two guard zones: a kernel that writes outside its output is caught.</summary>
/// <remarks>
/// The values start as poison (every byte 0xFF, which is NaN in float and double), so an output that a kernel forgot to write
/// shows. The first value is aligned to 64 bytes.
/// </remarks>
public sealed unsafe class GuardedBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int GuardBytes = 256;
    private const byte Guard = 0xA5;
    private const byte Poison = 0xFF;

    private readonly long _count;
    private byte* _memory;

    public GuardedBuffer(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _count = count;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(Bytes + 2 * GuardBytes), 64);
        NativeMemory.Fill(_memory, GuardBytes, Guard);
        NativeMemory.Fill(_memory + GuardBytes, (nuint)Bytes, Poison);
        NativeMemory.Fill(_memory + GuardBytes + Bytes, GuardBytes, Guard);
    }

    public GuardedBuffer(ReadOnlySpan<T> values)
        : this(values.Length) => values.CopyTo(Span);

    public T* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory == null, this);
            return (T*)(_memory + GuardBytes);
        }
    }

    public Span<T> Span => new(Pointer, checked((int)_count));

    private long Bytes => _count * sizeof(T);

    /// <summary>Fails when a byte of a guard zone has changed.</summary>
    public void AssertIntact()
    {
        var below = new ReadOnlySpan<byte>((byte*)Pointer - GuardBytes, GuardBytes);
        var above = new ReadOnlySpan<byte>((byte*)Pointer + Bytes, GuardBytes);
        Assert.True(below.IndexOfAnyExcept(Guard) < 0, "written below the buffer");
        var at = above.IndexOfAnyExcept(Guard);
        Assert.True(at < 0, $"written {at} bytes past the end of a buffer of {_count} values");
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
