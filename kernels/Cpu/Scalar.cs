using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Single values of float or double in generic code; the JIT removes the branches.</summary>
internal static class Scalar
{
    /// <summary>The value in float64, exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Wide<T>(T value)
        where T : unmanaged => typeof(T) == typeof(float) ? Unsafe.BitCast<T, float>(value) : Unsafe.BitCast<T, double>(value);

    /// <summary>The value rounded to <typeparamref name="T"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Narrow<T>(double value)
        where T : unmanaged => typeof(T) == typeof(float) ? Unsafe.BitCast<float, T>((float)value) : Unsafe.BitCast<double, T>(value);
}
