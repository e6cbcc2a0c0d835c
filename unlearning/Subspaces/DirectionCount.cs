using System.Globalization;

namespace EscNative.Unlearning.Subspaces;

/// <summary>How many directions k a pruning percentage p removes from a feature space of dimension d (paper, section 3.3).</summary>
public static class DirectionCount
{
    /// <summary>k = floor(d p / 100). The tiny addend keeps exact products (5 % of 100) from being lost to rounding.</summary>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="percent">p in per cent, 0 (nothing is erased) to below 100.</param>
    /// <exception cref="UsageException">p is not in [0, 100), or is positive and yet gives k = 0.</exception>
    public static int FromPercent(int dimension, double percent)
    {
        if (dimension < 1)
            throw new UsageException($"direction count: got dimension {dimension}, wants at least 1");
        if (!(percent >= 0 && percent < 100))
            throw new UsageException($"p: got {Text(percent)} %, wants 0 to below 100 (p = 100 would erase every feature)");
        var k = (int)Math.Floor(dimension * percent / 100 + 1e-9);
        if (k == 0 && percent > 0)
        {
            throw new UsageException(
                $"p: {Text(percent)} % of {dimension} dimensions is less than one direction, so nothing would be erased. " +
                $"The smallest p that works is {Text(SmallestPercent(dimension))}; or give k = 1");
        }

        return k;
    }

    /// <summary>Checks a k that was given directly.</summary>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="k">0 (nothing is erased) to d - 1.</param>
    /// <returns>k.</returns>
    /// <exception cref="UsageException">k is negative, or d or more.</exception>
    public static int Check(int dimension, int k)
    {
        if (k < 0 || k >= dimension)
        {
            throw new UsageException(
                $"k: got {k}, wants 0 to {dimension - 1}: features have {dimension} dimensions, and erasing all of them leaves nothing");
        }

        return k;
    }

    /// <summary>The count that a request means by either its p or its k.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="percent">p, or null.</param>
    /// <param name="k">k, or null.</param>
    /// <exception cref="UsageException">Both or neither are given, or the one given is out of range.</exception>
    public static int Resolve(int dimension, double? percent, int? k) => (percent, k) switch
    {
        ({ } p, null) => FromPercent(dimension, p),
        (null, { } count) => Check(dimension, count),
        _ => throw new UsageException($"directions to erase: give either p or k, got {(k is null ? "neither" : "both")}"),
    };

    /// <summary>Checks what can be told of p and k before d is known.</summary>
    /// <param name="percent">p, or null.</param>
    /// <param name="k">k, or null.</param>
    /// <exception cref="UsageException">Both are given, or the one given is out of every range.</exception>
    public static void CheckRequest(double? percent, int? k)
    {
        if (percent is not null && k is not null)
            _ = Resolve(1, percent, k);
        if (percent is { } p && !(p >= 0 && p < 100))
            _ = FromPercent(1, p);
        if (k < 0)
            throw new UsageException($"k: got {k}, wants 0 or more");
    }

    /// <summary>The smallest percentage, rounded up to four decimals, that removes one direction.</summary>
    /// <param name="dimension">d, at least 1.</param>
    public static double SmallestPercent(int dimension) => Math.Ceiling(1e6 / dimension) / 1e4;

    private static string Text(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);
}
