using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The functions of <see cref="UnaryOp"/>.</summary>
internal static class UnaryFunctions
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private const double SqrtHalf = 0.70710678118654752;
    private const double InverseSqrtTwoPi = 0.39894228040143268;

    /// <summary>x itself: no <see cref="UnaryOp"/>, but a kernel that applies a function to its result may apply none.</summary>
    internal readonly struct Identity : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => x;

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => g;
    }

    internal readonly struct Negate : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => -x;

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => -g;
    }

    internal readonly struct Exp : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => VectorMath.Exp<V, T>(x);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => g * saved;
    }

    internal readonly struct Log : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => VectorMath.Log<V, T>(x);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => g / saved;
    }

    internal readonly struct Sqrt : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Sqrt(x);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => g / (saved + saved);
    }

    internal readonly struct Relu : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Max(x, V.Zero);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Select(V.LessThanOrEqual(saved, V.Zero), V.Zero, g);
    }

    internal readonly struct Gelu : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Constant(0.5) * x * (V.Constant(1.0) + VectorMath.Erf<V, T>(x * V.Constant(SqrtHalf)));

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged
        {
            // d/dx x F(x) = F(x) + x f(x), with the normal distribution F and its density f.
            var distribution = V.Constant(0.5) * (V.Constant(1.0) + VectorMath.Erf<V, T>(saved * V.Constant(SqrtHalf)));
            var density = VectorMath.Exp<V, T>(V.Constant(-0.5) * saved * saved) * V.Constant(InverseSqrtTwoPi);
            return g * V.MultiplyAdd(saved, density, distribution);
        }
    }

    internal readonly struct Tanh : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => VectorMath.Tanh<V, T>(x);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => g * (V.Constant(1.0) - saved * saved);
    }

    internal readonly struct Sigmoid : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => VectorMath.Sigmoid<V, T>(x);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => g * saved * (V.Constant(1.0) - saved);
    }

    internal readonly struct Square : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => x * x;

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => g * (saved + saved);
    }

    internal readonly struct Abs : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Abs(x);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Select(V.Equal(saved, V.Zero), V.Zero, V.Select(V.LessThan(saved, V.Zero), -g, g));
    }

    internal readonly struct Silu : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => x * VectorMath.Sigmoid<V, T>(x);

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged
        {
            // d/dx x s(x) = s(x) + x s(x) s(-x): 1 - s(x) would cancel.
            var s = VectorMath.Sigmoid<V, T>(saved);
            return g * V.MultiplyAdd(saved * s, VectorMath.Sigmoid<V, T>(-saved), s);
        }
    }

    internal readonly struct Relu6 : IUnaryFunction
    {
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Min(V.Max(x, V.Zero), V.Constant(6.0));

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Select(V.LessThan(V.Zero, saved), V.Select(V.LessThan(saved, V.Constant(6.0)), g, V.Zero), V.Zero);
    }

    internal readonly struct GeluTanh : IUnaryFunction
    {
        private const double Cubic = 0.044715;
        private const double Twice = 1.5957691216057308;

        // (1 + tanh u) / 2 = 1 / (1 + e^-2u), which does not cancel for negative u. This is 2u; x³ may be infinite, as its limit is.
        [MethodImpl(Inline)]
        public static V Forward<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => x * VectorMath.Sigmoid<V, T>(Argument<V, T>(x));

        [MethodImpl(Inline)]
        public static V Backward<V, T>(V saved, V g)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged
        {
            // With s = s(2u): d/dx x s = s + x s (1 - s) 2u'. Where x² is cut off, s (1 - s) is 0 long since, and must not meet infinity.
            var u = Argument<V, T>(saved);
            var s = VectorMath.Sigmoid<V, T>(u);
            var square = V.Min(saved * saved, V.Constant(10000.0));
            var slope = V.Constant(Twice) * V.MultiplyAdd(square, V.Constant(3 * Cubic), V.Constant(1.0));
            return g * V.MultiplyAdd(saved * (s * VectorMath.Sigmoid<V, T>(-u)), slope, s);
        }

        [MethodImpl(Inline)]
        private static V Argument<V, T>(V x)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Constant(Twice) * x * V.MultiplyAdd(x * x, V.Constant(Cubic), V.Constant(1.0));
    }
}
