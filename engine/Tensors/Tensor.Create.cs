using System.Runtime.InteropServices;

namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>A float32 tensor with a copy of the given values, row-major.</summary>
    /// <exception cref="ShapeException">The number of values is not the shape's.</exception>
    public static Tensor From(ReadOnlySpan<float> values, Shape shape, Device? device = null) =>
        From(values, DType.F32, shape, device);

    /// <summary>A float64 tensor with a copy of the given values, row-major.</summary>
    /// <exception cref="ShapeException">The number of values is not the shape's.</exception>
    public static Tensor From(ReadOnlySpan<double> values, Shape shape, Device? device = null) =>
        From(values, DType.F64, shape, device);

    /// <summary>An integer tensor (labels, indices) with a copy of the given values, row-major.</summary>
    /// <exception cref="ShapeException">The number of values is not the shape's.</exception>
    public static Tensor From(ReadOnlySpan<int> values, Shape shape, Device? device = null) =>
        From(values, DType.I32, shape, device);

    /// <summary>A byte tensor (images) with a copy of the given values, row-major.</summary>
    /// <exception cref="ShapeException">The number of values is not the shape's.</exception>
    public static Tensor From(ReadOnlySpan<byte> values, Shape shape, Device? device = null) =>
        From(values, DType.U8, shape, device);

    /// <summary>A scalar.</summary>
    public static Tensor Scalar(double value, DType type = DType.F32, Device? device = null) =>
        Full(new Shape(), value, type, device);

    /// <summary>A tensor of zeros.</summary>
    public static Tensor Zeros(Shape shape, DType type = DType.F32, Device? device = null) => Full(shape, 0, type, device);

    /// <summary>A tensor of ones.</summary>
    public static Tensor Ones(Shape shape, DType type = DType.F32, Device? device = null) => Full(shape, 1, type, device);

    /// <summary>A tensor of one value.</summary>
    public static Tensor Full(Shape shape, double value, DType type = DType.F32, Device? device = null)
    {
        var y = Allocate(device ?? Device.Default, type, shape, "Full");
        y.Backend.Fill(y, value);
        return y;
    }

    /// <summary>Copies the values to the host, row-major, waiting for the device.</summary>
    /// <exception cref="DTypeException">The values are not of type <typeparamref name="T"/>.</exception>
    /// <exception cref="ShapeException">The destination's length is not the number of values.</exception>
    public void CopyTo<T>(Span<T> destination)
        where T : unmanaged
    {
        CheckHostType<T>(DType, "CopyTo");
        if (destination.Length != Count)
            throw new ShapeException($"CopyTo: destination has {destination.Length} values, {Shape} has {Count}");
        using var contiguous = IsContiguous ? Alias() : CopyContiguous(scoped: false);
        Backend.CopyToHost(contiguous, MemoryMarshal.AsBytes(destination));
    }

    /// <summary>The values as an array, row-major.</summary>
    public T[] ToArray<T>()
        where T : unmanaged
    {
        var values = new T[Count];
        CopyTo<T>(values);
        return values;
    }

    /// <summary>The float32 values as an array, row-major.</summary>
    public float[] ToArray() => ToArray<float>();

    /// <summary>The value of a tensor that has one, converted to double; waits for the device.</summary>
    /// <exception cref="ShapeException">There is more or less than one value.</exception>
    public double Item()
    {
        if (Count != 1)
            throw new ShapeException($"Item: got {Shape}, wants one value");
        return DType switch
        {
            DType.F32 => ToArray<float>()[0],
            DType.F64 => ToArray<double>()[0],
            DType.I32 => ToArray<int>()[0],
            DType.U8 => ToArray<byte>()[0],
            _ => BitConverter.UInt32BitsToSingle((uint)ToArray<ushort>()[0] << 16),
        };
    }

    /// <summary>Overwrites the values in place from the host: for parameters and inputs, never for a tensor in a graph.</summary>
    /// <exception cref="DTypeException">The values are not of type <typeparamref name="T"/>.</exception>
    /// <exception cref="ShapeException">The source's length is not the number of values, or this is a strided view.</exception>
    public void CopyFrom<T>(ReadOnlySpan<T> source)
        where T : unmanaged
    {
        CheckHostType<T>(DType, "CopyFrom");
        if (source.Length != Count || !IsContiguous)
            throw new ShapeException($"CopyFrom: got {source.Length} values for {Shape}, wants {Count} and contiguous memory");
        Backend.CopyFromHost(MemoryMarshal.AsBytes(source), this);
    }

    private static Tensor From<T>(ReadOnlySpan<T> values, DType type, Shape shape, Device? device)
        where T : unmanaged
    {
        if (values.Length != shape.Count)
            throw new ShapeException($"From: got {values.Length} values for {shape}, wants {shape.Count}");
        var y = Allocate(device ?? Device.Default, type, shape, "From");
        y.Backend.CopyFromHost(MemoryMarshal.AsBytes(values), y);
        return y;
    }

    // One if after another: of a switch beside comparisons of types the Native AOT compiler makes an endless loop.
    private static DType? HostTypeOf<T>()
    {
        if (typeof(T) == typeof(float))
            return DType.F32;
        if (typeof(T) == typeof(double))
            return DType.F64;
        if (typeof(T) == typeof(int))
            return DType.I32;
        if (typeof(T) == typeof(byte))
            return DType.U8;
        return typeof(T) == typeof(ushort) ? DType.BF16 : null;
    }

    private static void CheckHostType<T>(DType type, string operation)
    {
        if (HostTypeOf<T>() != type)
            throw new DTypeException($"{operation}: tensor holds {type}, host memory {typeof(T).Name}");
    }
}
