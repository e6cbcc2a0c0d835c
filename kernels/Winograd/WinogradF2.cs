using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>F(2, 3): two outputs from four products, with the points 0, 1, -1 and infinity.</summary>
internal readonly unsafe struct WinogradF2 : IWinogradTransform
{
    public static int Outputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    public static int Stride
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    public static int Points
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    public static int WeightPoints
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Points;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Input<V>(float* from, nint pixel, nint line, float* to, nint step)
        where V : unmanaged, ISimd<V, float>
    {
        var p0 = Column(from, line, out var q0, out var r0, out var s0);
        var p1 = Column(from + pixel, line, out var q1, out var r1, out var s1);
        var p2 = Column(from + 2 * pixel, line, out var q2, out var r2, out var s2);
        var p3 = Column(from + 3 * pixel, line, out var q3, out var r3, out var s3);
        Row(p0, p1, p2, p3, to, step);
        Row(q0, q1, q2, q3, to + 4 * step, step);
        Row(r0, r1, r2, r3, to + 8 * step, step);
        Row(s0, s1, s2, s3, to + 12 * step, step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Column(float* x, nint line, out V plus, out V minus, out V infinity)
        {
            var d1 = V.Load(x + line);
            var d2 = V.Load(x + 2 * line);
            plus = d1 + d2;
            minus = d2 - d1;
            infinity = V.Load(x + 3 * line) - d1;
            return V.Load(x) - d2;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Row(V d0, V d1, V d2, V d3, float* to, nint step)
        {
            (d0 - d2).Store(to);
            (d1 + d2).Store(to + step);
            (d2 - d1).Store(to + 2 * step);
            (d3 - d1).Store(to + 3 * step);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Output<V>(float* from, nint step, in WinogradTarget to)
        where V : unmanaged, ISimd<V, float>
    {
        var p0 = Column(from, step, out var q0);
        var p1 = Column(from + step, step, out var q1);
        var p2 = Column(from + 2 * step, step, out var q2);
        var p3 = Column(from + 3 * step, step, out var q3);
        to.Write(0, 0, p0 + (p1 + p2), p3 + (p1 - p2));
        to.Write(1, 0, q0 + (q1 + q2), q3 + (q1 - q2));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Column(float* m, nint step, out V second)
        {
            var m1 = V.Load(m + 4 * step);
            var m2 = V.Load(m + 8 * step);
            second = V.Load(m + 12 * step) + (m1 - m2);
            return V.Load(m) + (m1 + m2);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weight<V>(double* from, nint fromStep, double* to, nint toStep)
        where V : unmanaged, ISimd<V, double>
    {
        var g0 = V.Load(from);
        var g1 = V.Load(from + fromStep);
        var g2 = V.Load(from + 2 * fromStep);
        var half = V.Constant(0.5);
        g0.Store(to);
        (half * (g0 + g1 + g2)).Store(to + toStep);
        (half * (g0 - g1 + g2)).Store(to + 2 * toStep);
        g2.Store(to + 3 * toStep);
    }
}
