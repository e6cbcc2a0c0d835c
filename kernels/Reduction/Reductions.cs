using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The reductions of <see cref="ReduceOp"/>; a mean is a sum that the caller scales.</summary>
internal static class Reductions
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    internal readonly struct Sum : IReduction
    {
        public static double Start => 0;

        [MethodImpl(Inline)]
        public static double Combine(double a, double b) => a + b;

        [MethodImpl(Inline)]
        public static V Step<V, T>(V a, V b)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => a + b;

        [MethodImpl(Inline)]
        public static double Across<V, T>(V a)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => a.SumWide();
    }

    internal readonly struct Max : IReduction
    {
        public static double Start => double.NegativeInfinity;

        [MethodImpl(Inline)]
        public static double Combine(double a, double b) => Math.Max(a, b);

        [MethodImpl(Inline)]
        public static V Step<V, T>(V a, V b)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => V.Max(a, b);

        [MethodImpl(Inline)]
        public static double Across<V, T>(V a)
            where V : unmanaged, ISimd<V, T>
            where T : unmanaged => Scalar.Wide(a.MaxAcross());
    }
}
