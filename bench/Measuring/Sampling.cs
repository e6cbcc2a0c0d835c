using System.Diagnostics;

namespace EscNative.Bench.Measuring;

/// <summary>Short measurements: the median of repeated calls.</summary>
internal static class Sampling
{
    /// <summary>How many times its seconds a measurement beside peers may take for the sake of a least number of calls.</summary>
    public const double Long = 3;

    /// <summary>
    /// The median seconds of a call, over at least <paramref name="seconds"/> of calls and <paramref name="least"/> calls; after
    /// <paramref name="longest"/> seconds fewer calls will do.
    /// </summary>
    public static double MedianSeconds(Action call, double seconds, int least = 3, double longest = double.PositiveInfinity) => MedianSeconds(
        () =>
        {
            var start = Stopwatch.GetTimestamp();
            call();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        },
        seconds,
        least,
        longest);

    /// <summary>The same for a call that does more than what is timed: it returns its own seconds.</summary>
    public static double MedianSeconds(Func<double> call, double seconds, int least, double longest = double.PositiveInfinity)
    {
        var times = new List<double>();
        var started = Stopwatch.GetTimestamp();
        double passed;
        while ((passed = Stopwatch.GetElapsedTime(started).TotalSeconds) < seconds || times.Count < least)
        {
            if (times.Count > 0 && passed >= longest)
                break;
            times.Add(call());
        }

        return Median(times);
    }

    /// <summary>The median; NaN where a value is.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Any(double.IsNaN) ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
