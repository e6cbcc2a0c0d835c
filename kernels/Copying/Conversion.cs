using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Conversion between the value types: float, double, <see cref="BFloat16"/>, int, byte.</summary>
public static unsafe class Conversion
{
    /// <summary>y = x in another type. Every value passes through float64, which holds all of them exactly.</summary>
    /// <param name="x">[n].</param>
    /// <param name="y">[n], elsewhere in memory. Rounded to nearest, halves to even; integers saturate, NaN becomes 0 in them.</param>
    /// <param name="n">How many values.</param>
    /// <exception cref="NotSupportedException">A type is none of the five.</exception>
    public static void Convert<TFrom, TTo>(TFrom* x, TTo* y, long n)
        where TFrom : unmanaged
        where TTo : unmanaged =>
        CpuParallel.Run(checked((int)SimdRunner.TilesOf(n, SimdRunner.TileValues)), new Job<TFrom, TTo>(x, y, n));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Read<T>(T value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            return Unsafe.BitCast<T, float>(value);
        if (typeof(T) == typeof(double))
            return Unsafe.BitCast<T, double>(value);
        if (typeof(T) == typeof(int))
            return Unsafe.BitCast<T, int>(value);
        if (typeof(T) == typeof(byte))
            return Unsafe.BitCast<T, byte>(value);
        if (typeof(T) == typeof(BFloat16))
            return Unsafe.BitCast<T, BFloat16>(value).ToSingle();
        throw Unsupported(typeof(T).Name);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Write<T>(double value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            return Unsafe.BitCast<float, T>((float)value);
        if (typeof(T) == typeof(double))
            return Unsafe.BitCast<double, T>(value);
        if (typeof(T) == typeof(int))
            return Unsafe.BitCast<int, T>((int)Math.Clamp(Whole(value), int.MinValue, int.MaxValue));
        if (typeof(T) == typeof(byte))
            return Unsafe.BitCast<byte, T>((byte)Math.Clamp(Whole(value), byte.MinValue, byte.MaxValue));
        if (typeof(T) == typeof(BFloat16))
            return Unsafe.BitCast<BFloat16, T>(BFloat16.Round(value));
        throw Unsupported(typeof(T).Name);
    }

    private static double Whole(double value) => double.IsNaN(value) ? 0 : Math.Round(value);

    private static NotSupportedException Unsupported(string type) =>
        new($"conversion: got values of {type}, wants float, double, bfloat16, int or byte");

    private readonly struct Job<TFrom, TTo>(TFrom* x, TTo* y, long n) : ITileJob
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        private readonly TFrom* _x = x;
        private readonly TTo* _y = y;
        private readonly long _n = n;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var x = _x;
            var y = _y;
            var end = Math.Min(_n, (tile + 1) * SimdRunner.TileValues);
            for (var i = tile * SimdRunner.TileValues; i < end; i++)
                y[i] = Write<TTo>(Read(x[i]));
        }
    }
}
