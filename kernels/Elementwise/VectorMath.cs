using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Functions of a whole SIMD register, written once for all widths.</summary>
/// <remarks>
/// Float versions are polynomials; the largest error measured over their range (tests, VectorMathTests) stands at each. Infinity, NaN,
/// overflow and subnormal results are right. Double versions go through <see cref="Math"/>, value by value: they serve
/// oracles. With and without FMA the results may differ in the last bit.
/// </remarks>
internal static unsafe class VectorMath
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>e^x, within 1.0 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Exp<V, T>(V x)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            return V.Map(x, &Math.Exp);
        // Beyond these limits the result is 0 or infinity; the operand order lets NaN through.
        x = V.MinNative(V.Constant(89.0), V.MaxNative(V.Constant(-104.0), x));
        // x = n ln 2 + r, |r| <= ln(2) / 2; ln 2 in two parts, of which the first has spare zero bits.
        var n = V.Round(x * V.Constant(1.44269504));
        var r = V.MultiplyAdd(n, V.Constant(-0.693359375), x);
        r = V.MultiplyAdd(n, V.Constant(2.12194440e-4), r);
        // Minimax polynomial of Cephes (expf).
        var p = V.Constant(1.9875691500e-4);
        p = V.MultiplyAdd(p, r, V.Constant(1.3981999507e-3));
        p = V.MultiplyAdd(p, r, V.Constant(8.3334519073e-3));
        p = V.MultiplyAdd(p, r, V.Constant(4.1665795894e-2));
        p = V.MultiplyAdd(p, r, V.Constant(1.6666665459e-1));
        p = V.MultiplyAdd(p, r, V.Constant(5.0000001201e-1));
        p = V.MultiplyAdd(p, r * r, r) + V.Constant(1.0);
        return V.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>Natural logarithm, within 0.9 ulp (1.1 without FMA): -infinity at 0, NaN below.</summary>
    [MethodImpl(Inline)]
    public static V Log<V, T>(V x)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            return V.Map(x, &Math.Log);
        var subnormal = V.LessThan(x, V.Constant(1.17549435e-38));
        var scaled = V.Select(subnormal, x * V.Constant(8388608.0), x);
        var e = V.SplitExponent(scaled, out var m) - V.Select(subnormal, V.Constant(23.0), V.Zero);
        // log(1 + f) for f in [-1/3, 1/3]: f - f^2/2 + f^3 P(f).
        var f = m - V.Constant(1.0);
        var s = f * f;
        var p = V.MultiplyAdd(V.Constant(-0.130310059), f, V.Constant(0.140869141));
        var q = V.MultiplyAdd(V.Constant(-0.121483512), f, V.Constant(0.139814854));
        p = V.MultiplyAdd(p, s, q);
        p = V.MultiplyAdd(p, f, V.Constant(-0.166846126));
        p = V.MultiplyAdd(p, f, V.Constant(0.200120345));
        p = V.MultiplyAdd(p, f, V.Constant(-0.249996200));
        p = V.MultiplyAdd(p, f, V.Constant(0.333331972));
        p = V.MultiplyAdd(p, f, V.Constant(-0.5));
        p = V.MultiplyAdd(p, s, f);
        var log = V.MultiplyAdd(e, V.Constant(0.693147182), p);
        // What is not below infinity (infinity itself, and NaN) is its own result.
        log = V.Select(V.Equal(x, V.Zero), V.Constant(double.NegativeInfinity), log);
        var finite = V.LessThan(x, V.Constant(double.PositiveInfinity));
        return V.Select(finite, V.Select(V.LessThan(x, V.Zero), V.Constant(double.NaN), log), x);
    }

    /// <summary>Hyperbolic tangent, within 1.3 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Tanh<V, T>(V x)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            return V.Map(x, &Math.Tanh);
        var a = V.Abs(x);
        var one = V.Constant(1.0);
        var large = one - V.Constant(2.0) / (Exp<V, T>(a + a) + one);
        // Near 0 the quotient cancels: an odd polynomial of Cephes (tanhf).
        var z = x * x;
        var p = V.Constant(-5.70498872745e-3);
        p = V.MultiplyAdd(p, z, V.Constant(2.06390887954e-2));
        p = V.MultiplyAdd(p, z, V.Constant(-5.37397155531e-2));
        p = V.MultiplyAdd(p, z, V.Constant(1.33314422036e-1));
        p = V.MultiplyAdd(p, z, V.Constant(-3.33332819422e-1));
        var small = V.MultiplyAdd(p * z, x, x);
        return V.Select(V.LessThan(a, V.Constant(0.625)), small, V.CopySign(large, x));
    }

    /// <summary>1 / (1 + e^-x), within 2.2 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Sigmoid<V, T>(V x)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        // e^-|x| never overflows, and its small values are the result for negative x.
        var e = Exp<V, T>(-V.Abs(x));
        var one = V.Constant(1.0);
        return V.Select(V.LessThan(x, V.Zero), e, one) / (one + e);
    }

    /// <summary>The error function, within 1.0 ulp (1.1 without FMA).</summary>
    [MethodImpl(Inline)]
    public static V Erf<V, T>(V x)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            return V.Map(x, &ErrorFunction.Erf);
        var t = V.Abs(x);
        var s = x * x;
        // Large arguments: 1 - e^-r, r a polynomial fit of -log(erfc(t)).
        var r = V.MultiplyAdd(V.Constant(1.72948930e-5), t, V.Constant(-3.83208680e-4));
        var u = V.MultiplyAdd(V.Constant(3.88393435e-3), t, V.Constant(-2.42545605e-2));
        r = V.MultiplyAdd(r, s, u);
        r = V.MultiplyAdd(r, t, V.Constant(1.06777847e-1));
        r = V.MultiplyAdd(r, t, V.Constant(6.34846687e-1));
        r = V.MultiplyAdd(r, t, V.Constant(1.28717512e-1));
        r = V.MultiplyAdd(r, t, t);
        // The fit holds to t = 4; beyond it erf is 1 in float, and the polynomial would turn.
        r = V.Select(V.LessThan(V.Constant(4.0), t), V.Constant(104.0), r);
        var large = V.CopySign(V.Constant(1.0) - Exp<V, T>(-r), x);
        // Small arguments: an odd polynomial.
        var p = V.Constant(-5.99104969e-4);
        p = V.MultiplyAdd(p, s, V.Constant(4.99339588e-3));
        p = V.MultiplyAdd(p, s, V.Constant(-2.67667342e-2));
        p = V.MultiplyAdd(p, s, V.Constant(1.12818025e-1));
        p = V.MultiplyAdd(p, s, V.Constant(-3.76124859e-1));
        p = V.MultiplyAdd(p, s, V.Constant(1.28379151e-1));
        var small = V.MultiplyAdd(p, x, x);
        return V.Select(V.LessThan(V.Constant(0.921875), t), large, small);
    }
}
