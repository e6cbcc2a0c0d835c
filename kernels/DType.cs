namespace EscNative;

/// <summary>The type of values as they are stored: of a tensor, of a kernel's operands. Sums are accumulated in float32 or wider.</summary>
/// <remarks>The numbers index the tables of kernels, those of the three float types first.</remarks>
public enum DType
{
    /// <summary>IEEE float32: the default.</summary>
    F32,

    /// <summary>bfloat16: activations on a GPU.</summary>
    BF16,

    /// <summary>IEEE float64: second moments, solvers, oracles.</summary>
    F64,

    /// <summary>32-bit integer: labels and indices.</summary>
    I32,

    /// <summary>8-bit unsigned integer: images.</summary>
    U8,
}

/// <summary>Facts about the value types.</summary>
public static class DTypes
{
    /// <summary>Bytes of one value.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F64 => 8,
        DType.F32 or DType.I32 => 4,
        DType.BF16 => 2,
        DType.U8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Whether arithmetic and gradients are defined for the type.</summary>
    public static bool IsFloat(this DType type) => type is DType.F32 or DType.F64 or DType.BF16;
}
