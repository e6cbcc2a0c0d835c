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
}
