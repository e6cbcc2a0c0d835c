namespace EscNative.Engine.Formats;

/// <summary>The element types of the safetensors format (its reference implementation, 2026).</summary>
internal static class SafetensorsTypes
{
    /// <summary>Bits of one element; 0 for a name the format does not have.</summary>
    public static int Bits(string name) => name switch
    {
        "F4" => 4,
        "F6_E2M3" or "F6_E3M2" => 6,
        "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" or "F8_E8M0" or "F8_E4M3FNUZ" or "F8_E5M2FNUZ" => 8,
        "I16" or "U16" or "F16" or "BF16" => 16,
        "I32" or "U32" or "F32" => 32,
        "C64" or "F64" or "I64" or "U64" => 64,
        _ => 0,
    };

    public static ArrayType? Readable(string name) => name switch
    {
        "BOOL" => ArrayType.Bool,
        "U8" => ArrayType.U8,
        "I8" => ArrayType.I8,
        "I16" => ArrayType.I16,
        "U16" => ArrayType.U16,
        "F16" => ArrayType.F16,
        "BF16" => ArrayType.BF16,
        "I32" => ArrayType.I32,
        "U32" => ArrayType.U32,
        "F32" => ArrayType.F32,
        "F64" => ArrayType.F64,
        "I64" => ArrayType.I64,
        "U64" => ArrayType.U64,
        _ => null,
    };

    public static string Name(ArrayType type) => type switch
    {
        ArrayType.Bool => "BOOL",
        _ => type.ToString(),
    };
}
