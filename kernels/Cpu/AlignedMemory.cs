namespace EscNative.Kernels.Cpu;

/// <summary>Zeroed memory of the managed heap that does not move, aligned to a cache line: for kernels' own layouts.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed unsafe class AlignedMemory<T>
    where T : unmanaged
{
    private const int Line = 64;

    private readonly T[] _values;
    private readonly T* _pointer;
    private readonly int _first;
    private readonly int _count;

    /// <summary>Allocates.</summary>
    /// <param name="count">Values.</param>
    public AlignedMemory(long count)
    {
        _count = checked((int)count);
        // Vector kernels may read a register past the end.
        _values = GC.AllocateArray<T>(checked(_count + (2 * Line / sizeof(T))), pinned: true);
        fixed (T* start = _values)
        {
            _pointer = (T*)(((nint)start + Line - 1) & -Line);
            _first = (int)(_pointer - start);
        }
    }

    /// <summary>Where it begins; only within a <see cref="KernelCall"/>.</summary>
    public T* Pointer
    {
        get
        {
            KernelCall.KeepInCurrent(_values);
            return _pointer;
        }
    }

    /// <summary>All values.</summary>
    public Span<T> Span => _values.AsSpan(_first, _count);

    /// <summary>Sets all values.</summary>
    public void Fill(T value) => Span.Fill(value);
}
