using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The functions of <see cref="BinaryOp"/>.</summary>
internal static class BinaryFunctions
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    internal readonly struct Add : IBinaryFunction
    {
        [MethodImpl(Inline)]
        public static V Apply<V, T>(V a, V b)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => a + b;
    }

    internal readonly struct Subtract : IBinaryFunction
    {
        [MethodImpl(Inline)]
        public static V Apply<V, T>(V a, V b)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => a - b;
    }

    internal readonly struct Multiply : IBinaryFunction
    {
        [MethodImpl(Inline)]
        public static V Apply<V, T>(V a, V b)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => a * b;
    }

    internal readonly struct Divide : IBinaryFunction
    {
        [MethodImpl(Inline)]
        public static V Apply<V, T>(V a, V b)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => a / b;
    }

    internal readonly struct Weigh : IBinaryFunction
    {
        [MethodImpl(Inline)]
        public static V Apply<V, T>(V a, V b)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Select(V.Equal(a, V.Zero), V.Zero, a * b);
    }
}
