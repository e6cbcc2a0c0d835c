namespace EscNative.Kernels.Cuda.Driver;

/// <summary>An array in device memory with one owner. For what lives beside the tensors: solvers and their workspaces.</summary>
/// <typeparam name="T">The values' type.</typeparam>
public sealed unsafe class CudaDeviceVariable<T> : NativeOwner
    where T : unmanaged
{
    private readonly CudaContext _context;
    private readonly nint _pointer;

    /// <summary>Asks the driver for memory; its values are undefined.</summary>
    /// <param name="context">The device.</param>
    /// <param name="count">Values, 0 or more.</param>
    /// <param name="operation">Who asks, for the message when there is not enough.</param>
    /// <exception cref="DeviceOutOfMemoryException">The device has not enough free memory.</exception>
    public CudaDeviceVariable(CudaContext context, long count, string operation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _context = context;
        Count = count;
        if (count == 0)
            return;
        _pointer = context.Allocate(Bytes);
        if (_pointer == 0)
            throw new DeviceOutOfMemoryException(operation, Bytes, context.MemoryInfo().Free, 0, 0);
    }

    /// <summary>Values.</summary>
    public long Count { get; }

    /// <summary>The device address, only within a <see cref="KernelCall"/>; 0 for an empty array.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public nint Pointer
    {
        get
        {
            HoldInCall();
            return _pointer;
        }
    }

    private long Bytes => checked(Count * sizeof(T));

    /// <summary>Copies from the host to the array's start.</summary>
    /// <param name="values">At most <see cref="Count"/> values.</param>
    /// <exception cref="UsageException">There are more.</exception>
    public void CopyToDevice(ReadOnlySpan<T> values)
    {
        Fits(values.Length);
        if (values.IsEmpty)
            return;
        using var call = KernelCall.Begin();
        fixed (T* source = values)
            _context.Stream.CopyToDevice(source, Pointer, (long)values.Length * sizeof(T));
    }

    /// <summary>Copies the array's start to the host and waits for it.</summary>
    /// <param name="values">At most <see cref="Count"/> values.</param>
    /// <exception cref="UsageException">There are more.</exception>
    public void CopyToHost(Span<T> values)
    {
        Fits(values.Length);
        if (values.IsEmpty)
            return;
        using var call = KernelCall.Begin();
        fixed (T* target = values)
        {
            _context.Stream.CopyToHost(Pointer, target, (long)values.Length * sizeof(T));
            _context.Stream.Synchronize();
        }
    }

    /// <summary>A copy of all values on the host.</summary>
    public T[] ToHost() => ToHost(0);

    /// <summary>A copy on the host of the values from one on.</summary>
    /// <param name="first">The first one that is wanted.</param>
    public T[] ToHost(long first)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)first, (ulong)Count, nameof(first));
        var values = new T[Count - first];
        using var call = KernelCall.Begin();
        if (values.Length > 0)
        {
            fixed (T* target = values)
            {
                _context.Stream.CopyToHost(Pointer + (nint)(first * sizeof(T)), target, values.LongLength * sizeof(T));
                _context.Stream.Synchronize();
            }
        }

        return values;
    }

    /// <summary>Sets every byte.</summary>
    public void Fill(byte value)
    {
        using var call = KernelCall.Begin();
        if (Count > 0)
            _context.Stream.Fill(Pointer, value, Bytes);
    }

    /// <summary>Gives the memory back. It waits for the device.</summary>
    /// <param name="late">Whether nobody disposed of it.</param>
    protected override void Free(bool late)
    {
        if (_pointer != 0)
            _context.Free(_pointer);
    }

    private void Fits(int count)
    {
        if (count > Count)
            throw new UsageException($"device array: got {count} values, holds {Count}");
    }
}
