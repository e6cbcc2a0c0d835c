using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>F(4, 3): four outputs from six products, with the points 0, a, -a, b, -b and infinity.</summary>
/// <remarks>
/// Any a and b cost the same, but the error depends on them. Of all pairs of eighths, 5/8 and 3/2 gave the least: a half of
/// that of the usual 1 and 2 in the mean, a quarter of it at worst. The constants of the input and output transforms are
/// exact in float.
/// </remarks>
internal readonly unsafe struct WinogradF4 : IWinogradTransform
{
    private const double A = 0.625;
    private const double B = 1.5;

    // The Lagrange weights of the points: 1 / product of their distances to the other points.
    private const double Weight0 = 1 / (A * A * B * B);
    private const double WeightA = 1 / (2 * A * A * (A * A - B * B));
    private const double WeightB = 1 / (2 * B * B * (B * B - A * A));

    public static int Outputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    public static int Stride
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    public static int Points
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 6;
    }

    public static int WeightPoints
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Points;
    }

    // A row of B holds the coefficients of the polynomial that is zero in the other finite points. The columns are transformed
    // to two rows at a time: more vectors do not fit the registers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<V>(float* from, nint pixel, nint line, float* to, nint step)
        where V : unmanaged, ISimd<V, float>
    {
        InputEnds<V>(from, pixel, line, to, step);
        InputPair<V>(from, pixel, line, to + 6 * step, step, (float)A, (float)(-B * B));
        InputPair<V>(from, pixel, line, to + 18 * step, step, (float)B, (float)(-A * A));
    }

    // A row of A holds the powers of the points.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<V>(float* from, nint step, in WinogradTarget to)
        where V : unmanaged, ISimd<V, float>
    {
        OutputEven<V>(from, step, to);
        OutputOdd<V>(from, step, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weight<V>(double* from, nint fromStep, double* to, nint toStep)
        where V : unmanaged, ISimd<V, double>
    {
        var g0 = V.Load(from);
        var g1 = V.Load(from + fromStep);
        var g2 = V.Load(from + 2 * fromStep);
        (V.Constant(Weight0) * g0).Store(to);
        var even = V.MultiplyAdd(V.Constant(A * A), g2, g0);
        (V.Constant(WeightA) * V.MultiplyAdd(V.Constant(A), g1, even)).Store(to + toStep);
        (V.Constant(WeightA) * V.MultiplyAdd(V.Constant(-A), g1, even)).Store(to + 2 * toStep);
        even = V.MultiplyAdd(V.Constant(B * B), g2, g0);
        (V.Constant(WeightB) * V.MultiplyAdd(V.Constant(B), g1, even)).Store(to + 3 * toStep);
        (V.Constant(WeightB) * V.MultiplyAdd(V.Constant(-B), g1, even)).Store(to + 4 * toStep);
        g2.Store(to + 5 * toStep);
    }

    // The rows of the points 0 and infinity.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void InputEnds<V>(float* from, nint pixel, nint line, float* to, nint step)
        where V : unmanaged, ISimd<V, float>
    {
        var p0 = Column(from, line, out var q0);
        var p1 = Column(from + pixel, line, out var q1);
        var p2 = Column(from + 2 * pixel, line, out var q2);
        var p3 = Column(from + 3 * pixel, line, out var q3);
        var p4 = Column(from + 4 * pixel, line, out var q4);
        var p5 = Column(from + 5 * pixel, line, out var q5);
        InputRow(p0, p1, p2, p3, p4, p5, to, step);
        InputRow(q0, q1, q2, q3, q4, q5, to + 30 * step, step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Column(float* x, nint line, out V infinity)
        {
            infinity = End(V.Load(x + line), V.Load(x + 3 * line), V.Load(x + 5 * line));
            return End(V.Load(x), V.Load(x + 2 * line), V.Load(x + 4 * line));
        }
    }

    // The rows of the points a and -a, or b and -b.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void InputPair<V>(float* from, nint pixel, nint line, float* to, nint step, float point, float otherSquare)
        where V : unmanaged, ISimd<V, float>
    {
        var a = V.Create(point);
        var square = V.Create(otherSquare);
        var p0 = Column(from, line, a, square, out var q0);
        var p1 = Column(from + pixel, line, a, square, out var q1);
        var p2 = Column(from + 2 * pixel, line, a, square, out var q2);
        var p3 = Column(from + 3 * pixel, line, a, square, out var q3);
        var p4 = Column(from + 4 * pixel, line, a, square, out var q4);
        var p5 = Column(from + 5 * pixel, line, a, square, out var q5);
        InputRow(p0, p1, p2, p3, p4, p5, to, step);
        InputRow(q0, q1, q2, q3, q4, q5, to + 6 * step, step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Column(float* x, nint line, V a, V square, out V minus)
        {
            var even = V.MultiplyAdd(square, V.Load(x + 2 * line), V.Load(x + 4 * line));
            var odd = a * V.MultiplyAdd(square, V.Load(x + line), V.Load(x + 3 * line));
            minus = even - odd;
            return even + odd;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InputRow<V>(V d0, V d1, V d2, V d3, V d4, V d5, float* to, nint step)
        where V : unmanaged, ISimd<V, float>
    {
        End(d0, d2, d4).Store(to);
        End(d1, d3, d5).Store(to + 5 * step);
        var square = V.Constant(-B * B);
        var even = V.MultiplyAdd(square, d2, d4);
        var odd = V.Constant(A) * V.MultiplyAdd(square, d1, d3);
        (even + odd).Store(to + step);
        (even - odd).Store(to + 2 * step);
        square = V.Constant(-A * A);
        even = V.MultiplyAdd(square, d2, d4);
        odd = V.Constant(B) * V.MultiplyAdd(square, d1, d3);
        (even + odd).Store(to + 3 * step);
        (even - odd).Store(to + 4 * step);
    }

    // a^2 b^2 x - (a^2 + b^2) y + z
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V End<V>(V x, V y, V z)
        where V : unmanaged, ISimd<V, float> =>
        V.MultiplyAdd(V.Constant(A * A * B * B), x, V.MultiplyAdd(V.Constant(-(A * A + B * B)), y, z));

    // Lines 0 and 2.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void OutputEven<V>(float* from, nint step, in WinogradTarget to)
        where V : unmanaged, ISimd<V, float>
    {
        var p0 = Column(from, step, out var q0);
        var p1 = Column(from + step, step, out var q1);
        var p2 = Column(from + 2 * step, step, out var q2);
        var p3 = Column(from + 3 * step, step, out var q3);
        var p4 = Column(from + 4 * step, step, out var q4);
        var p5 = Column(from + 5 * step, step, out var q5);
        OutputRow(p0, p1, p2, p3, p4, p5, 0, to);
        OutputRow(q0, q1, q2, q3, q4, q5, 2, to);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Column(float* m, nint step, out V second)
        {
            var evenA = V.Load(m + 6 * step) + V.Load(m + 12 * step);
            var evenB = V.Load(m + 18 * step) + V.Load(m + 24 * step);
            second = V.MultiplyAdd(V.Constant(B * B), evenB, V.Constant(A * A) * evenA);
            return V.Load(m) + (evenA + evenB);
        }
    }

    // Lines 1 and 3.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void OutputOdd<V>(float* from, nint step, in WinogradTarget to)
        where V : unmanaged, ISimd<V, float>
    {
        var p0 = Column(from, step, out var q0);
        var p1 = Column(from + step, step, out var q1);
        var p2 = Column(from + 2 * step, step, out var q2);
        var p3 = Column(from + 3 * step, step, out var q3);
        var p4 = Column(from + 4 * step, step, out var q4);
        var p5 = Column(from + 5 * step, step, out var q5);
        OutputRow(p0, p1, p2, p3, p4, p5, 1, to);
        OutputRow(q0, q1, q2, q3, q4, q5, 3, to);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Column(float* m, nint step, out V third)
        {
            var oddA = V.Load(m + 6 * step) - V.Load(m + 12 * step);
            var oddB = V.Load(m + 18 * step) - V.Load(m + 24 * step);
            third = V.MultiplyAdd(V.Constant(B * B * B), oddB, V.MultiplyAdd(V.Constant(A * A * A), oddA, V.Load(m + 30 * step)));
            return V.MultiplyAdd(V.Constant(B), oddB, V.Constant(A) * oddA);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputRow<V>(V m0, V m1, V m2, V m3, V m4, V m5, int line, in WinogradTarget to)
        where V : unmanaged, ISimd<V, float>
    {
        var evenA = m1 + m2;
        var oddA = m1 - m2;
        var evenB = m3 + m4;
        var oddB = m3 - m4;
        to.Write(line, 0, m0 + (evenA + evenB), V.MultiplyAdd(V.Constant(B), oddB, V.Constant(A) * oddA));
        var last = V.MultiplyAdd(V.Constant(B * B * B), oddB, V.MultiplyAdd(V.Constant(A * A * A), oddA, m5));
        to.Write(line, 2, V.MultiplyAdd(V.Constant(B * B), evenB, V.Constant(A * A) * evenA), last);
    }
}
