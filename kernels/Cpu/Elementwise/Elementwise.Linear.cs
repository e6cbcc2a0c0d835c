using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

public static unsafe partial class Elementwise
{
    /// <summary>y = scale * x + shift.</summary>
    /// <param name="x">[n].</param>
    /// <param name="scale">Rounded to <typeparamref name="T"/> first.</param>
    /// <param name="shift">Rounded to <typeparamref name="T"/> first.</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="n">How many values.</param>
    public static void Affine<T>(T* x, double scale, double shift, T* y, long n)
        where T : unmanaged => SimdRunner.Run<T, AffineJob<T>>(
            SimdRunner.TilesOf(n, SimdRunner.TileValues), new AffineJob<T>(x, scale, shift, y, n));

    /// <summary>y = y + scale * x.</summary>
    /// <param name="scale">Rounded to <typeparamref name="T"/> first.</param>
    /// <param name="x">[n].</param>
    /// <param name="y">[n], changed in place.</param>
    /// <param name="n">How many values.</param>
    public static void Axpy<T>(double scale, T* x, T* y, long n)
        where T : unmanaged => SimdRunner.Run<T, AxpyJob<T>>(
            SimdRunner.TilesOf(n, SimdRunner.TileValues), new AxpyJob<T>(scale, x, y, n));

    /// <summary>Sets all values, of any type.</summary>
    /// <param name="y">[n].</param>
    /// <param name="value">The value.</param>
    /// <param name="n">How many values.</param>
    public static void Fill<T>(T* y, T value, long n)
        where T : unmanaged =>
        CpuParallel.Run(checked((int)SimdRunner.TilesOf(n, SimdRunner.TileValues)), new FillJob<T>(y, value, n));

    private readonly struct AffineJob<T>(T* x, double scale, double shift, T* y, long n) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly double _scale = scale;
        private readonly double _shift = shift;
        private readonly T* _y = y;
        private readonly long _n = n;

        [MethodImpl(Hot)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var i = tile * SimdRunner.TileValues;
            var end = Math.Min(_n, i + SimdRunner.TileValues);
            var x = _x;
            var y = _y;
            var scale = V.Constant(_scale);
            var shift = V.Constant(_shift);
            for (; i <= end - V.Count; i += V.Count)
                V.MultiplyAdd(V.Load(x + i), scale, shift).Store(y + i);
            if (i < end)
                V.MultiplyAdd(V.LoadPartial(x + i, end - i), scale, shift).StorePartial(y + i, end - i);
        }
    }

    private readonly struct AxpyJob<T>(double scale, T* x, T* y, long n) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly double _scale = scale;
        private readonly T* _x = x;
        private readonly T* _y = y;
        private readonly long _n = n;

        [MethodImpl(Hot)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var i = tile * SimdRunner.TileValues;
            var end = Math.Min(_n, i + SimdRunner.TileValues);
            var x = _x;
            var y = _y;
            var scale = V.Constant(_scale);
            for (; i <= end - V.Count; i += V.Count)
                V.MultiplyAdd(V.Load(x + i), scale, V.Load(y + i)).Store(y + i);
            if (i < end)
            {
                var n = end - i;
                V.MultiplyAdd(V.LoadPartial(x + i, n), scale, V.LoadPartial(y + i, n)).StorePartial(y + i, n);
            }
        }
    }

    private readonly struct FillJob<T>(T* y, T value, long n) : ITileJob
        where T : unmanaged
    {
        private readonly T* _y = y;
        private readonly T _value = value;
        private readonly long _n = n;

        public void Execute(int tile, int worker)
        {
            var start = tile * SimdRunner.TileValues;
            new Span<T>(_y + start, (int)Math.Min(_n - start, SimdRunner.TileValues)).Fill(_value);
        }
    }
}
