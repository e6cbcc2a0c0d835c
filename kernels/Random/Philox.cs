using System.Runtime.CompilerServices;

namespace EscNative.Kernels;

/// <summary>Philox 4x32-10 (Salmon et al., SC 2011): random words as a pure function of a key and a counter.</summary>
/// <remarks>
/// Word i of a stream is word i % 4 of the block with counter (i / 4, stream) under the key seed. A GPU kernel computes the
/// same bits from the same numbers, in any order. Uniforms are exact; normals use the logarithm and sine below, which are
/// fused multiply-adds in a fixed order, not a library's.
/// </remarks>
public static class Philox
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const float TwoPi = 6.2831853f;

    /// <summary>One block of four words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint A, uint B, uint C, uint D) Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < 10; round++)
        {
            var p0 = (ulong)Multiplier0 * c0;
            var p1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>The block that holds words 4 block .. 4 block + 3 of a stream.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint A, uint B, uint C, uint D) Block(ulong seed, ulong stream, ulong block) =>
        Block((uint)block, (uint)(block >> 32), (uint)stream, (uint)(stream >> 32), (uint)seed, (uint)(seed >> 32));

    /// <summary>Word <paramref name="index"/> of a stream.</summary>
    public static uint Word(ulong seed, ulong stream, ulong index)
    {
        var (a, b, c, d) = Block(seed, stream, index >> 2);
        return (index & 3) switch { 0 => a, 1 => b, 2 => c, _ => d };
    }

    /// <summary>A word as a number in [0, 1): its upper 24 bits, exact in float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToUniform(uint word) => (word >> 8) * 5.9604645e-8f;

    /// <summary>Words <paramref name="offset"/>, offset + 1, ... of a stream as numbers in [0, 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Uniform(ulong seed, ulong stream, ulong offset, Span<float> values)
    {
        var i = 0;
        for (; i < values.Length && ((offset + (ulong)i) & 3) != 0; i++)
            values[i] = ToUniform(Word(seed, stream, offset + (ulong)i));
        for (; i + 4 <= values.Length; i += 4)
        {
            var (a, b, c, d) = Block(seed, stream, (offset + (ulong)i) >> 2);
            values[i] = ToUniform(a);
            values[i + 1] = ToUniform(b);
            values[i + 2] = ToUniform(c);
            values[i + 3] = ToUniform(d);
        }

        for (; i < values.Length; i++)
            values[i] = ToUniform(Word(seed, stream, offset + (ulong)i));
    }

    /// <summary>Standard normal numbers; pair j comes from words offset + 2j and offset + 2j + 1 (Box and Muller).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normal(ulong seed, ulong stream, ulong offset, Span<float> values)
    {
        for (var i = 0; i < values.Length; i += 2)
        {
            var at = offset + (ulong)i;
            var (cosine, sine) = NormalPair(Word(seed, stream, at), Word(seed, stream, at + 1));
            values[i] = cosine;
            if (i + 1 < values.Length)
                values[i + 1] = sine;
        }
    }

    /// <summary>Two independent standard normal numbers from two words.</summary>
    public static (float Cosine, float Sine) NormalPair(uint first, uint second)
    {
        // In (0, 1], so that the logarithm is finite; at most 5.8 standard deviations come out.
        var u = ((first >> 8) + 1) * 5.9604645e-8f;
        var radius = MathF.Sqrt(-2 * Log(u));
        var (sine, cosine) = SinCosTurns(ToUniform(second));
        return (radius * cosine, radius * sine);
    }

    /// <summary>ln u for u in (0, 1], error below 1 ulp beside 1 (Cephes' polynomial).</summary>
    private static float Log(float u)
    {
        var bits = BitConverter.SingleToInt32Bits(u);
        // u = m 2^e with m in [sqrt(1/2), sqrt(2)).
        var e = (bits - 0x3F3504F3) >> 23;
        var m = BitConverter.Int32BitsToSingle(bits - (e << 23)) - 1;
        var p = 7.0376836e-2f;
        p = MathF.FusedMultiplyAdd(p, m, -1.1514610e-1f);
        p = MathF.FusedMultiplyAdd(p, m, 1.1676998e-1f);
        p = MathF.FusedMultiplyAdd(p, m, -1.2420141e-1f);
        p = MathF.FusedMultiplyAdd(p, m, 1.4249323e-1f);
        p = MathF.FusedMultiplyAdd(p, m, -1.6668057e-1f);
        p = MathF.FusedMultiplyAdd(p, m, 2.0000714e-1f);
        p = MathF.FusedMultiplyAdd(p, m, -2.4999994e-1f);
        p = MathF.FusedMultiplyAdd(p, m, 3.3333331e-1f);
        var square = m * m;
        var y = p * m * square;
        y = MathF.FusedMultiplyAdd(e, -2.1219444e-4f, y);
        y = MathF.FusedMultiplyAdd(-0.5f, square, y);
        return MathF.FusedMultiplyAdd(e, 0.693359375f, m + y);
    }

    /// <summary>sin 2πu and cos 2πu for u in [0, 1): the reduction to an eighth of a turn is exact.</summary>
    private static (float Sine, float Cosine) SinCosTurns(float u)
    {
        var quarter = (int)((u * 4) + 0.5f);
        var x = (u - (quarter * 0.25f)) * TwoPi;
        var square = x * x;
        var s = MathF.FusedMultiplyAdd(-1.9515296e-4f, square, 8.3321609e-3f);
        s = MathF.FusedMultiplyAdd(s, square, -1.6666655e-1f);
        var sine = MathF.FusedMultiplyAdd(s * square, x, x);
        var c = MathF.FusedMultiplyAdd(2.4433157e-5f, square, -1.3887316e-3f);
        c = MathF.FusedMultiplyAdd(c, square, 4.1666646e-2f);
        var cosine = MathF.FusedMultiplyAdd(c * square, square, MathF.FusedMultiplyAdd(-0.5f, square, 1));
        return (quarter & 3) switch
        {
            0 => (sine, cosine),
            1 => (cosine, -sine),
            2 => (-sine, -cosine),
            _ => (-cosine, sine),
        };
    }
}
