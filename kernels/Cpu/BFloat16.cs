namespace EscNative.Kernels.Cpu;

/// <summary>A bfloat16 as stored: the upper half of a float32.</summary>
/// <param name="Bits">Sign, 8 bits of exponent, 7 of significand.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>The value in float32, exact.</summary>
    public float ToSingle() => BitConverter.UInt32BitsToSingle((uint)Bits << 16);

    /// <summary>The nearest bfloat16, halves to even, in one rounding.</summary>
    public static BFloat16 Round(double value)
    {
        // Round to odd first: a float that is not exact keeps a 1 in its last place, so that the second rounding sees it.
        var single = (float)value;
        var bits = BitConverter.SingleToUInt32Bits(single);
        if (double.IsNaN(value))
            return new BFloat16((ushort)((bits >> 16) | 0x40));
        if (single != value && (bits & 1) == 0 && float.IsFinite(single))
        {
            var away = Math.Abs(single) > Math.Abs(value);
            bits = away ? bits - 1 : bits | 1;
        }

        return new BFloat16((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }
}
