using System.Runtime.InteropServices;

namespace EscNative.Engine.Formats;

/// <summary>From arrays in files to tensors and back. No transposing: the layout stays that of the file.</summary>
public static class NamedArrayTensors
{
    /// <summary>Copies an array into a tensor of the nearest type the engine has: F16 and BF16 become F32, Bool becomes U8, other
    /// integers become I32.</summary>
    /// <param name="array">The array.</param>
    /// <param name="device">Where the tensor lives; the CPU by default.</param>
    /// <exception cref="ShapeException">More dimensions than a tensor has.</exception>
    /// <exception cref="EscException">An integer that 32 bits do not hold (<see cref="ErrorCode.BadInput"/>).</exception>
    public static Tensor ToTensor(this NamedArray array, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(array);
        var shape = new Shape(array.Shape);
        return array.Type switch
        {
            ArrayType.F32 => Tensor.From(MemoryMarshal.Cast<byte, float>(array.Data.Span), shape, device),
            ArrayType.F64 => Tensor.From(MemoryMarshal.Cast<byte, double>(array.Data.Span), shape, device),
            ArrayType.F16 or ArrayType.BF16 => Tensor.From(array.ToFloat32(), shape, device),
            ArrayType.U8 or ArrayType.Bool => Tensor.From(array.Data.Span, shape, device),
            ArrayType.I32 => Tensor.From(MemoryMarshal.Cast<byte, int>(array.Data.Span), shape, device),
            _ => Tensor.From(Narrow(array), shape, device),
        };
    }

    /// <summary>Copies a tensor's values into an array, row-major; waits for the device.</summary>
    /// <param name="tensor">The tensor; it may be a strided view.</param>
    /// <param name="name">The array's name.</param>
    public static NamedArray ToNamedArray(this Tensor tensor, string name)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.DType switch
        {
            DType.F32 => Copy<float>(tensor, name, ArrayType.F32),
            DType.F64 => Copy<double>(tensor, name, ArrayType.F64),
            DType.BF16 => Copy<ushort>(tensor, name, ArrayType.BF16),
            DType.I32 => Copy<int>(tensor, name, ArrayType.I32),
            DType.U8 => Copy<byte>(tensor, name, ArrayType.U8),
            _ => throw new DTypeException($"array '{name}': no file type for {tensor.DType}"),
        };
    }

    private static NamedArray Copy<T>(Tensor tensor, string name, ArrayType type) where T : unmanaged
    {
        var data = new byte[tensor.Count * type.Size()];
        tensor.CopyTo(MemoryMarshal.Cast<byte, T>(data.AsSpan()));
        return new NamedArray(name, type, tensor.Shape.ToArray(), data);
    }

    private static int[] Narrow(NamedArray array)
    {
        try
        {
            return Array.ConvertAll(array.ToInt64(), value => checked((int)value));
        }
        catch (OverflowException cause)
        {
            throw new EscException(ErrorCode.BadInput, $"array '{array.Name}': a value of {array.Type} does not fit the engine's 32-bit integers", cause);
        }
    }
}
