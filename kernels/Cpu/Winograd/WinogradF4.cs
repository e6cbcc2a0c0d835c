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

    public static int Points
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 6;
    }

    // A row of B holds the coefficients of the polynomial that is zero in the other finite points.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<V>(float* from, nint fromStep, float* to, nint toStep)
        where V : unmanaged, ISimd<V, float>
    {
        var d0 = V.Load(from);
        var d1 = V.Load(from + fromStep);
        var d2 = V.Load(from + 2 * fromStep);
        var d3 = V.Load(from + 3 * fromStep);
        var d4 = V.Load(from + 4 * fromStep);
        var d5 = V.Load(from + 5 * fromStep);
        var product = V.Constant(A * A * B * B);
        var sum = V.Constant(-(A * A + B * B));
        V.MultiplyAdd(product, d0, V.MultiplyAdd(sum, d2, d4)).Store(to);
        V.MultiplyAdd(product, d1, V.MultiplyAdd(sum, d3, d5)).Store(to + 5 * toStep);

        var squareB = V.Constant(-B * B);
        var evenA = V.MultiplyAdd(squareB, d2, d4);
        var oddA = V.MultiplyAdd(squareB, d1, d3);
        V.MultiplyAdd(V.Constant(A), oddA, evenA).Store(to + toStep);
        V.MultiplyAdd(V.Constant(-A), oddA, evenA).Store(to + 2 * toStep);

        var squareA = V.Constant(-A * A);
        var evenB = V.MultiplyAdd(squareA, d2, d4);
        var oddB = V.MultiplyAdd(squareA, d1, d3);
        V.MultiplyAdd(V.Constant(B), oddB, evenB).Store(to + 3 * toStep);
        V.MultiplyAdd(V.Constant(-B), oddB, evenB).Store(to + 4 * toStep);
    }

    // Row i of A holds the i-th powers of the points.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<V>(float* from, nint fromStep, float* to, nint toStep)
        where V : unmanaged, ISimd<V, float>
    {
        var m1 = V.Load(from + fromStep);
        var m2 = V.Load(from + 2 * fromStep);
        var m3 = V.Load(from + 3 * fromStep);
        var m4 = V.Load(from + 4 * fromStep);
        var evenA = m1 + m2;
        var oddA = m1 - m2;
        var evenB = m3 + m4;
        var oddB = m3 - m4;
        (V.Load(from) + (evenA + evenB)).Store(to);
        V.MultiplyAdd(V.Constant(B), oddB, V.Constant(A) * oddA).Store(to + toStep);
        V.MultiplyAdd(V.Constant(B * B), evenB, V.Constant(A * A) * evenA).Store(to + 2 * toStep);
        var last = V.MultiplyAdd(V.Constant(A * A * A), oddA, V.Load(from + 5 * fromStep));
        V.MultiplyAdd(V.Constant(B * B * B), oddB, last).Store(to + 3 * toStep);
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
}
