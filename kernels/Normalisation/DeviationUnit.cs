namespace EscNative.Kernels.Cpu;

/// <summary>The unit in which normalisation takes deviations from a mean: 1, or a small power of 2 where they leave the range of float32.</summary>
internal static class DeviationUnit
{
    // Neither a deviation nor a sum of its products leaves the range in it, and other columns of a call keep their digits.
    private const double Small = 1.0 / (1L << 32);

    // A smaller mean changes no value at the end of the range, and a larger 1 / deviation belongs to values far below it.
    private const double LargeMean = 1e30;
    private const double SmallInverse = 1e-30;

    /// <summary>The unit for values of this mean and this 1 / deviation.</summary>
    public static double Of<T>(double mean, double inverse)
        where T : unmanaged => typeof(T) == typeof(float) && (Math.Abs(mean) > LargeMean || inverse < SmallInverse) ? Small : 1;
}
