using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Kernels that draw from <see cref="Philox"/>; value i depends on the stream and i alone.</summary>
public static unsafe class RandomFill
{
    private const int RunValues = 512;
    private const long TileValues = 16384;
    private const float Unit = 5.9604645e-8f; // 2^-24, as Philox.ToUniform

    /// <summary>y[i] = word offset + i of the stream as a number in [0, 1).</summary>
    /// <param name="y">[n].</param>
    /// <param name="n">How many values.</param>
    /// <param name="seed">The key.</param>
    /// <param name="stream">The stream under that key.</param>
    /// <param name="offset">The first word.</param>
    public static void Uniform<T>(T* y, long n, ulong seed, ulong stream, ulong offset)
        where T : unmanaged => SimdRunner.Run<T, UniformJob<T>>(
            SimdRunner.TilesOf(n, TileValues), new UniformJob<T>(y, n, seed, stream, offset));

    /// <summary>mask[i] = 1 where the uniform number i of the stream is at least p, else 0; y = x mask / (1 - p).</summary>
    /// <param name="x">[n].</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="mask">[n].</param>
    /// <param name="p">The probability of 0; less than 1.</param>
    /// <param name="n">How many values.</param>
    /// <param name="seed">The key.</param>
    /// <param name="stream">The stream under that key.</param>
    /// <param name="offset">The first word.</param>
    public static void Dropout<T>(T* x, T* y, byte* mask, double p, long n, ulong seed, ulong stream, ulong offset)
        where T : unmanaged => SimdRunner.Run<T, DropoutJob<T>>(
            SimdRunner.TilesOf(n, TileValues), new DropoutJob<T>(x, y, mask, p, n, seed, stream, offset));

    /// <summary>y = x mask scale.</summary>
    /// <param name="x">[n].</param>
    /// <param name="mask">[n], each 0 or 1.</param>
    /// <param name="scale">1 / (1 - p).</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="n">How many values.</param>
    public static void ApplyMask<T>(T* x, byte* mask, double scale, T* y, long n)
        where T : unmanaged => SimdRunner.Run<T, MaskJob<T>>(
            SimdRunner.TilesOf(n, TileValues), new MaskJob<T>(x, mask, scale, y, n));

    // Words offset .. offset + n - 1 of the stream, in a buffer with room for the rest of the blocks at both ends.
    private static uint* Words(ulong seed, ulong stream, ulong offset, uint* buffer, long n)
    {
        var before = (int)(offset & 3);
        PhiloxWords.Fill(seed, stream, offset >> 2, buffer, (before + (int)n + 3) >> 2);
        return buffer + before;
    }

    // y = x factor, with the factors looked up rather than branched on: a random branch costs more than the product.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Masked<V, T>(T* x, byte* mask, double scale, T* y, long n)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var table = stackalloc T[2] { default, Scalar.Narrow<T>(scale) };
        var factors = stackalloc T[V.Count];
        var i = 0L;
        for (; i <= n - V.Count; i += V.Count)
        {
            for (var j = 0; j < V.Count; j++)
                factors[j] = table[mask[i + j]];
            (V.Load(x + i) * V.Load(factors)).Store(y + i);
        }

        for (; i < n; i++)
            y[i] = Scalar.Narrow<T>(Scalar.Wide(x[i]) * Scalar.Wide(table[mask[i]]));
    }

    private readonly struct UniformJob<T>(T* y, long n, ulong seed, ulong stream, ulong offset) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _y = y;
        private readonly long _n = n;
        private readonly ulong _seed = seed;
        private readonly ulong _stream = stream;
        private readonly ulong _offset = offset;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var buffer = stackalloc uint[RunValues + 8];
            var y = _y;
            var end = Math.Min(_n, (tile + 1) * TileValues);
            for (var start = tile * TileValues; start < end; start += RunValues)
            {
                var n = Math.Min(RunValues, end - start);
                var words = Words(_seed, _stream, _offset + (ulong)start, buffer, n);
                for (var i = 0L; i < n; i++)
                    y[start + i] = Scalar.Narrow<T>((words[i] >> 8) * Unit);
            }
        }
    }

    private readonly struct DropoutJob<T>(T* x, T* y, byte* mask, double p, long n, ulong seed, ulong stream, ulong offset) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _y = y;
        private readonly byte* _mask = mask;
        private readonly double _p = p;
        private readonly long _n = n;
        private readonly ulong _seed = seed;
        private readonly ulong _stream = stream;
        private readonly ulong _offset = offset;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var buffer = stackalloc uint[RunValues + 8];
            var mask = _mask;
            // Whole numbers of 24 bits compare as their 2^-24-fold does.
            var threshold = (uint)Math.Ceiling(_p * (1 << 24));
            var end = Math.Min(_n, (tile + 1) * TileValues);
            for (var start = tile * TileValues; start < end; start += RunValues)
            {
                var n = Math.Min(RunValues, end - start);
                var words = Words(_seed, _stream, _offset + (ulong)start, buffer, n);
                for (var i = 0L; i < n; i++)
                    mask[start + i] = (byte)(1 - (((words[i] >> 8) - threshold) >> 31));
                Masked<V, T>(_x + start, mask + start, 1.0 / (1.0 - _p), _y + start, n);
            }
        }
    }

    private readonly struct MaskJob<T>(T* x, byte* mask, double scale, T* y, long n) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly byte* _mask = mask;
        private readonly double _scale = scale;
        private readonly T* _y = y;
        private readonly long _n = n;

        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var start = tile * TileValues;
            Masked<V, T>(_x + start, _mask + start, _scale, _y + start, Math.Min(_n - start, TileValues));
        }
    }
}
