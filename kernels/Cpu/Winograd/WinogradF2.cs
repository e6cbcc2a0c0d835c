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

    public static int Points
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<V>(float* from, nint fromStep, float* to, nint toStep)
        where V : unmanaged, ISimd<V, float>
    {
        var d0 = V.Load(from);
        var d1 = V.Load(from + fromStep);
        var d2 = V.Load(from + 2 * fromStep);
        var d3 = V.Load(from + 3 * fromStep);
        (d0 - d2).Store(to);
        (d1 + d2).Store(to + toStep);
        (d2 - d1).Store(to + 2 * toStep);
        (d3 - d1).Store(to + 3 * toStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<V>(float* from, nint fromStep, float* to, nint toStep)
        where V : unmanaged, ISimd<V, float>
    {
        var m1 = V.Load(from + fromStep);
        var m2 = V.Load(from + 2 * fromStep);
        (V.Load(from) + (m1 + m2)).Store(to);
        (V.Load(from + 3 * fromStep) + (m1 - m2)).Store(to + toStep);
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
