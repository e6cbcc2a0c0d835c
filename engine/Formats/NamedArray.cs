using System.Numerics;
using System.Runtime.InteropServices;

namespace EscNative.Engine.Formats;

/// <summary>An array as it lies in a file: a name, an element type, a shape, and little-endian row-major bytes.</summary>
public sealed class NamedArray
{
    private readonly int[] _shape;

    /// <summary>Wraps bytes; nothing is copied.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The dimensions; empty for a single value.</param>
    /// <param name="data">Little-endian elements, row-major.</param>
    /// <exception cref="ArgumentException">A negative dimension, or as many bytes as the shape does not have.</exception>
    public NamedArray(string name, ArrayType type, ReadOnlySpan<int> shape, ReadOnlyMemory<byte> data)
    {
        ArgumentNullException.ThrowIfNull(name);
        long count = shape.Contains(0) ? 0 : 1;
        foreach (var size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            count = checked(count * size);
        }

        if (checked(count * type.Size()) != data.Length)
            throw new ArgumentException($"array '{name}': {type} [{string.Join(", ", shape.ToArray())}] wants {count * type.Size()} bytes, got {data.Length}", nameof(data));
        Name = name;
        Type = type;
        Count = (int)count;
        Data = data;
        _shape = shape.ToArray();
    }

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public ArrayType Type { get; }

    /// <summary>The dimensions; empty for a single value.</summary>
    public ReadOnlySpan<int> Shape => _shape;

    /// <summary>The number of elements.</summary>
    public int Count { get; }

    /// <summary>Little-endian elements, row-major.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Copies single-precision values into an array.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="shape">The dimensions.</param>
    /// <param name="values">Row-major values.</param>
    /// <exception cref="ArgumentException">As many values as the shape does not have.</exception>
    public static NamedArray From(string name, ReadOnlySpan<int> shape, ReadOnlySpan<float> values) =>
        new(name, ArrayType.F32, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Copies double-precision values into an array.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="shape">The dimensions.</param>
    /// <param name="values">Row-major values.</param>
    /// <exception cref="ArgumentException">As many values as the shape does not have.</exception>
    public static NamedArray From(string name, ReadOnlySpan<int> shape, ReadOnlySpan<double> values) =>
        new(name, ArrayType.F64, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Copies 64-bit integers into an array.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="shape">The dimensions.</param>
    /// <param name="values">Row-major values.</param>
    /// <exception cref="ArgumentException">As many values as the shape does not have.</exception>
    public static NamedArray From(string name, ReadOnlySpan<int> shape, ReadOnlySpan<long> values) =>
        new(name, ArrayType.I64, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>The values in single precision, rounded to nearest where the type has more.</summary>
    public float[] ToFloat32() => Convert<float>();

    /// <summary>The values in double precision; 64-bit integers beyond 2^53 are rounded to nearest.</summary>
    public double[] ToFloat64() => Convert<double>();

    /// <summary>The values as 64-bit integers.</summary>
    /// <exception cref="InvalidOperationException">The element type is a floating one.</exception>
    /// <exception cref="OverflowException">An unsigned value above 2^63 - 1.</exception>
    public long[] ToInt64() => Type is ArrayType.F16 or ArrayType.BF16 or ArrayType.F32 or ArrayType.F64
        ? throw new InvalidOperationException($"array '{Name}' holds {Type}; integers wanted")
        : Convert<long>();

    private T[] Convert<T>() where T : unmanaged, INumberBase<T> => Type switch
    {
        ArrayType.Bool or ArrayType.U8 => Convert<byte, T>(),
        ArrayType.I8 => Convert<sbyte, T>(),
        ArrayType.I16 => Convert<short, T>(),
        ArrayType.U16 => Convert<ushort, T>(),
        ArrayType.F16 => Convert<Half, T>(),
        ArrayType.BF16 => ConvertBrain<T>(),
        ArrayType.I32 => Convert<int, T>(),
        ArrayType.U32 => Convert<uint, T>(),
        ArrayType.F32 => Convert<float, T>(),
        ArrayType.F64 => Convert<double, T>(),
        ArrayType.I64 => Convert<long, T>(),
        ArrayType.U64 => Convert<ulong, T>(),
        _ => throw new InvalidOperationException($"array '{Name}' holds {Type}"),
    };

    private TTo[] Convert<TFrom, TTo>()
        where TFrom : unmanaged, INumberBase<TFrom>
        where TTo : unmanaged, INumberBase<TTo>
    {
        var from = MemoryMarshal.Cast<byte, TFrom>(Data.Span);
        var to = new TTo[Count];
        if (typeof(TFrom) == typeof(TTo))
        {
            Data.Span.CopyTo(MemoryMarshal.AsBytes(to.AsSpan()));
            return to;
        }

        for (var i = 0; i < to.Length; i++)
            to[i] = TTo.CreateChecked(from[i]);
        return to;
    }

    private T[] ConvertBrain<T>() where T : unmanaged, INumberBase<T>
    {
        var from = MemoryMarshal.Cast<byte, ushort>(Data.Span);
        var to = new T[Count];
        for (var i = 0; i < to.Length; i++)
            to[i] = T.CreateChecked(BitConverter.UInt32BitsToSingle((uint)from[i] << 16));
        return to;
    }
}
