using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

public static unsafe partial class Elementwise
{
    /// <summary>y = scale * x + shift.</summary>
    /// <param name="x">[n].</param>
    /// <param name="scale">Rounded to <typeparamref name="T"/> first, unless that would make it 0, infinite or subnormal.</param>
    /// <param name="shift">Rounded to <typeparamref name="T"/> first.</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="n">How many values.</param>
    public static void Affine<T>(T* x, double scale, double shift, T* y, long n)
        where T : unmanaged
    {
        if (Fits<T>(scale))
            SimdRunner.Run<T, AffineJob<T>>(SimdRunner.TilesOf(n, SimdRunner.TileValues), new AffineJob<T>(x, scale, shift, y, n));
        else
            RunWide((float*)x, scale, shift, 1, (float*)y, n);
    }

    /// <summary>y = x / divisor, rounded once.</summary>
    /// <param name="x">[n].</param>
    /// <param name="divisor">Rounded to <typeparamref name="T"/> first, unless that would make it 0, infinite or subnormal.</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="n">How many values.</param>
    public static void Divide<T>(T* x, double divisor, T* y, long n)
        where T : unmanaged
    {
        if (Fits<T>(divisor))
            SimdRunner.Run<T, DivideJob<T>>(SimdRunner.TilesOf(n, SimdRunner.TileValues), new DivideJob<T>(x, divisor, y, n));
        else
            RunWide((float*)x, 1, 0, divisor, (float*)y, n);
    }

    // Whether a number stays what it is, but for its last digits, when it becomes a T.
    private static bool Fits<T>(double value)
        where T : unmanaged => typeof(T) != typeof(float) || value == 0 || !double.IsFinite(value) || float.IsNormal((float)value);

    private static void RunWide(float* x, double scale, double shift, double divisor, float* y, long n) =>
        CpuParallel.Run(checked((int)SimdRunner.TilesOf(n, SimdRunner.TileValues)), new WideJob(x, scale, shift, divisor, y, n));

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

    private readonly struct DivideJob<T>(T* x, double divisor, T* y, long n) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly double _divisor = divisor;
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
            var divisor = V.Constant(_divisor);
            for (; i <= end - V.Count; i += V.Count)
                (V.Load(x + i) / divisor).Store(y + i);
            if (i < end)
                (V.LoadPartial(x + i, end - i) / divisor).StorePartial(y + i, end - i);
        }
    }

    // (x scale + shift) / divisor in float64, for numbers that float32 cannot hold.
    private readonly struct WideJob(float* x, double scale, double shift, double divisor, float* y, long n) : ITileJob
    {
        private readonly float* _x = x;
        private readonly double _scale = scale;
        private readonly double _shift = shift;
        private readonly double _divisor = divisor;
        private readonly float* _y = y;
        private readonly long _n = n;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var end = Math.Min(_n, (tile + 1) * SimdRunner.TileValues);
            for (var i = tile * SimdRunner.TileValues; i < end; i++)
                _y[i] = (float)(((_x[i] * _scale) + _shift) / _divisor);
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
