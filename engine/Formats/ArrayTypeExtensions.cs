namespace EscNative.Engine.Formats;

/// <summary>Facts about <see cref="ArrayType"/>.</summary>
public static class ArrayTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    /// <param name="type">The element type.</param>
    public static int Size(this ArrayType type) => type switch
    {
        ArrayType.Bool or ArrayType.U8 or ArrayType.I8 => 1,
        ArrayType.I16 or ArrayType.U16 or ArrayType.F16 or ArrayType.BF16 => 2,
        ArrayType.I32 or ArrayType.U32 or ArrayType.F32 => 4,
        ArrayType.F64 or ArrayType.I64 or ArrayType.U64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not an ArrayType"),
    };
}
