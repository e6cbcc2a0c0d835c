using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Kernels that draw from <see cref="Philox"/>; value i depends on the stream and i alone.</summary>
public static unsafe class RandomFill
{
    private const int BlockValues = 512;
    private const long TileValues = 16384;

    /// <summary>y[i] = word offset + i of the stream as a number in [0, 1).</summary>
    /// <param name="y">[n].</param>
    /// <param name="n">How many values.</param>
    /// <param name="seed">The key.</param>
    /// <param name="stream">The stream under that key.</param>
    /// <param name="offset">The first word.</param>
    public static void Uniform<T>(T* y, long n, ulong seed, ulong stream, ulong offset)
        where T : unmanaged => SimdRunner.Run<T, UniformJob<T>>(
            SimdRunner.TilesOf(n, TileValues), new UniformJob<T>(y, n, seed, stream, offset));

    /// <summary>mask[i] = 1 where the uniform number i of the stream is at least p, else 0; y = x / (1 - p) where 1, else 0.</summary>
    /// <param name="x">[n].</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="mask">[n].</param>
    /// <param name="p">The probability of 0.</param>
    /// <param name="n">How many values.</param>
    /// <param name="seed">The key.</param>
    /// <param name="stream">The stream under that key.</param>
    /// <param name="offset">The first word.</param>
    public static void Dropout<T>(T* x, T* y, byte* mask, double p, long n, ulong seed, ulong stream, ulong offset)
        where T : unmanaged => SimdRunner.Run<T, DropoutJob<T>>(
            SimdRunner.TilesOf(n, TileValues), new DropoutJob<T>(x, y, mask, p, n, seed, stream, offset));

    /// <summary>y = scale x where the mask is 1, else 0.</summary>
    /// <param name="x">[n].</param>
    /// <param name="mask">[n].</param>
    /// <param name="scale">1 / (1 - p).</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="n">How many values.</param>
    public static void ApplyMask<T>(T* x, byte* mask, double scale, T* y, long n)
        where T : unmanaged => SimdRunner.Run<T, MaskJob<T>>(
            SimdRunner.TilesOf(n, TileValues), new MaskJob<T>(x, mask, scale, y, n));

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Masked<T>(T* x, byte* mask, double scale, T* y, long n)
        where T : unmanaged
    {
        var factor = Scalar.Wide(Scalar.Narrow<T>(scale));
        for (var i = 0L; i < n; i++)
            y[i] = mask[i] != 0 ? Scalar.Narrow<T>(Scalar.Wide(x[i]) * factor) : default;
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
            Span<float> block = stackalloc float[BlockValues];
            var end = Math.Min(_n, (tile + 1) * TileValues);
            for (var start = tile * TileValues; start < end; start += BlockValues)
            {
                var values = block[..(int)Math.Min(BlockValues, end - start)];
                Philox.Uniform(_seed, _stream, _offset + (ulong)start, values);
                for (var i = 0; i < values.Length; i++)
                    _y[start + i] = Scalar.Narrow<T>(values[i]);
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
            Span<float> block = stackalloc float[BlockValues];
            var end = Math.Min(_n, (tile + 1) * TileValues);
            for (var start = tile * TileValues; start < end; start += BlockValues)
            {
                var values = block[..(int)Math.Min(BlockValues, end - start)];
                Philox.Uniform(_seed, _stream, _offset + (ulong)start, values);
                for (var i = 0; i < values.Length; i++)
                    _mask[start + i] = values[i] >= _p ? (byte)1 : (byte)0;
                Masked(_x + start, _mask + start, 1.0 / (1.0 - _p), _y + start, values.Length);
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
            Masked(_x + start, _mask + start, _scale, _y + start, Math.Min(_n - start, TileValues));
        }
    }
}
