using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Reductions of one contiguous row, for reductions, softmax and normalisation.</summary>
internal static unsafe class RowKernels
{
    // Values added in T before the partial sum goes to float64: 64 a lane of the widest register and 256 of the narrowest with
    // one accumulator, a quarter of that with four. So the error does not grow with the length of a row.
    private const long Block = 1024;

    /// <summary>The fold of x [n].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double Reduce<TReduction, V, T>(T* x, long n)
        where TReduction : IReduction
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var start = V.Constant(TReduction.Start);
        var total = TReduction.Start;
        var i = 0L;
        while (i < n)
        {
            var end = Math.Min(n, i + Block);
            V a = start, b = start, c = start, d = start;
            for (; i <= end - 4 * V.Count; i += 4 * V.Count)
            {
                a = TReduction.Step<V, T>(a, V.Load(x + i));
                b = TReduction.Step<V, T>(b, V.Load(x + i + V.Count));
                c = TReduction.Step<V, T>(c, V.Load(x + i + 2 * V.Count));
                d = TReduction.Step<V, T>(d, V.Load(x + i + 3 * V.Count));
            }

            for (; i <= end - V.Count; i += V.Count)
                a = TReduction.Step<V, T>(a, V.Load(x + i));
            if (i < end)
                b = TReduction.Step<V, T>(b, V.LoadPartial(x + i, end - i, start));
            i = end;
            a = TReduction.Step<V, T>(TReduction.Step<V, T>(a, b), TReduction.Step<V, T>(c, d));
            total = TReduction.Combine(total, TReduction.Across<V, T>(a));
        }

        return total;
    }

    /// <summary>The first place of <paramref name="value"/> in x [n], of the first NaN if it is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long IndexOf<V, T>(T* x, long n, double value)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var nan = double.IsNaN(value);
        var wanted = V.Constant(value);
        for (var i = 0L; i < n; i += V.Count)
        {
            var rest = n - i;
            var values = rest >= V.Count ? V.Load(x + i) : V.LoadPartial(x + i, rest);
            var bits = V.MaskBits(nan ? V.Equal(values, values) : V.Equal(values, wanted));
            if (nan)
                bits = ~bits & ((1UL << V.Count) - 1);
            if (rest < V.Count)
                bits &= (1UL << (int)rest) - 1;
            if (bits != 0)
                return i + System.Numerics.BitOperations.TrailingZeroCount(bits);
        }

        return 0;
    }

    /// <summary>The sum of e^(x - shift).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double ExpSum<V, T>(T* x, long n, double shift)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var offset = V.Constant(shift);
        var total = 0.0;
        var i = 0L;
        while (i < n)
        {
            var end = Math.Min(n, i + Block);
            var sum = V.Zero;
            for (; i <= end - V.Count; i += V.Count)
                sum += VectorMath.Exp<V, T>(V.Load(x + i) - offset);
            if (i < end)
                sum += V.Keep(VectorMath.Exp<V, T>(V.LoadPartial(x + i, end - i) - offset), end - i);
            i = end;
            total += sum.SumWide();
        }

        return total;
    }

    /// <summary>y = e^(x - shift), and its sum; y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double ExpStore<V, T>(T* x, T* y, long n, double shift)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var offset = V.Constant(shift);
        var total = 0.0;
        var i = 0L;
        while (i < n)
        {
            var end = Math.Min(n, i + Block);
            var sum = V.Zero;
            for (; i <= end - V.Count; i += V.Count)
            {
                var e = VectorMath.Exp<V, T>(V.Load(x + i) - offset);
                e.Store(y + i);
                sum += e;
            }

            if (i < end)
            {
                var e = V.Keep(VectorMath.Exp<V, T>(V.LoadPartial(x + i, end - i) - offset), end - i);
                e.StorePartial(y + i, end - i);
                sum += e;
            }

            i = end;
            total += sum.SumWide();
        }

        return total;
    }

    /// <summary>y = x scale + shift; y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Affine<V, T>(T* x, T* y, long n, double scale, double shift)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var factor = V.Constant(scale);
        var offset = V.Constant(shift);
        var i = 0L;
        for (; i <= n - V.Count; i += V.Count)
            V.MultiplyAdd(V.Load(x + i), factor, offset).Store(y + i);
        if (i < n)
            V.MultiplyAdd(V.LoadPartial(x + i, n - i), factor, offset).StorePartial(y + i, n - i);
    }

    /// <summary>y = x / divisor; y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Divide<V, T>(T* x, T* y, long n, double divisor)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var whole = V.Constant(divisor);
        var i = 0L;
        for (; i <= n - V.Count; i += V.Count)
            (V.Load(x + i) / whole).Store(y + i);
        if (i < n)
            (V.LoadPartial(x + i, n - i) / whole).StorePartial(y + i, n - i);
    }

    /// <summary>The sum of x y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static double Dot<V, T>(T* x, T* y, long n)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var total = 0.0;
        var i = 0L;
        while (i < n)
        {
            var end = Math.Min(n, i + Block);
            V a = V.Zero, b = V.Zero;
            for (; i <= end - 2 * V.Count; i += 2 * V.Count)
            {
                a = V.MultiplyAdd(V.Load(x + i), V.Load(y + i), a);
                b = V.MultiplyAdd(V.Load(x + i + V.Count), V.Load(y + i + V.Count), b);
            }

            for (; i <= end - V.Count; i += V.Count)
                a = V.MultiplyAdd(V.Load(x + i), V.Load(y + i), a);
            if (i < end)
                b = V.MultiplyAdd(V.LoadPartial(x + i, end - i), V.LoadPartial(y + i, end - i), b);
            i = end;
            total += (a + b).SumWide();
        }

        return total;
    }
}
