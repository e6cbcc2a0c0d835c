using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>Runs of <see cref="Philox"/> words, eight or four blocks at a time where the machine has the registers.</summary>
internal static unsafe class PhiloxWords
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;

    /// <summary>Words 4 block .. 4 (block + blocks) - 1 of a stream.</summary>
    /// <param name="seed">The key.</param>
    /// <param name="stream">The stream under that key.</param>
    /// <param name="block">The first block.</param>
    /// <param name="words">[4 * blocks].</param>
    /// <param name="blocks">How many blocks.</param>
    [MethodImpl(Hot)]
    public static void Fill(ulong seed, ulong stream, ulong block, uint* words, int blocks)
    {
        var done = 0;
        if (Avx512F.IsSupported)
        {
            for (; done <= blocks - 8; done += 8)
                Eight(seed, stream, block + (ulong)done, (ulong*)(words + 4 * done));
        }
        else if (Avx2.IsSupported)
        {
            for (; done <= blocks - 4; done += 4)
                Four(seed, stream, block + (ulong)done, (ulong*)(words + 4 * done));
        }

        for (; done < blocks; done++)
            (words[4 * done], words[4 * done + 1], words[4 * done + 2], words[4 * done + 3]) =
                Philox.Block(seed, stream, block + (ulong)done);
    }

    // One counter word of eight blocks in the low halves of eight lanes; the high halves hold leftovers that no product reads.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight(ulong seed, ulong stream, ulong block, ulong* words)
    {
        var counter = Vector512.Create(block) + Vector512<ulong>.Indices;
        var c0 = counter;
        var c1 = counter >>> 32;
        var c2 = Vector512.Create(stream);
        var c3 = Vector512.Create(stream >> 32);
        var (k0, k1) = ((uint)seed, (uint)(seed >> 32));
        var m0 = Vector512.Create(Multiplier0);
        var m1 = Vector512.Create(Multiplier1);
        for (var round = 0; round < 10; round++)
        {
            var p0 = Avx512F.Multiply(c0.AsUInt32(), m0);
            var p1 = Avx512F.Multiply(c2.AsUInt32(), m1);
            c0 = (p1 >>> 32) ^ c1 ^ Vector512.Create((ulong)k0);
            c2 = (p0 >>> 32) ^ c3 ^ Vector512.Create((ulong)k1);
            c1 = p1;
            c3 = p0;
            k0 += Weyl0;
            k1 += Weyl1;
        }

        var low = Vector512.Create((ulong)uint.MaxValue);
        var first = (c0 & low) | (c1 << 32);
        var second = (c2 & low) | (c3 << 32);
        for (var i = 0; i < 8; i++)
        {
            words[2 * i] = first.GetElement(i);
            words[2 * i + 1] = second.GetElement(i);
        }
    }

    // The same for four blocks.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(ulong seed, ulong stream, ulong block, ulong* words)
    {
        var counter = Vector256.Create(block) + Vector256<ulong>.Indices;
        var c0 = counter;
        var c1 = counter >>> 32;
        var c2 = Vector256.Create(stream);
        var c3 = Vector256.Create(stream >> 32);
        var (k0, k1) = ((uint)seed, (uint)(seed >> 32));
        var m0 = Vector256.Create(Multiplier0);
        var m1 = Vector256.Create(Multiplier1);
        for (var round = 0; round < 10; round++)
        {
            var p0 = Avx2.Multiply(c0.AsUInt32(), m0);
            var p1 = Avx2.Multiply(c2.AsUInt32(), m1);
            c0 = (p1 >>> 32) ^ c1 ^ Vector256.Create((ulong)k0);
            c2 = (p0 >>> 32) ^ c3 ^ Vector256.Create((ulong)k1);
            c1 = p1;
            c3 = p0;
            k0 += Weyl0;
            k1 += Weyl1;
        }

        var low = Vector256.Create((ulong)uint.MaxValue);
        var first = (c0 & low) | (c1 << 32);
        var second = (c2 & low) | (c3 << 32);
        for (var i = 0; i < 4; i++)
        {
            words[2 * i] = first.GetElement(i);
            words[2 * i + 1] = second.GetElement(i);
        }
    }
}
