using System.Diagnostics;

namespace EscNative.Bench.Measuring;

/// <summary>Short measurements: the median of repeated calls.</summary>
internal static class Sampling
{
    /// <summary>The median seconds of a call, over at least <paramref name="seconds"/> of calls and <paramref name="least"/> calls.</summary>
    public static double MedianSeconds(Action call, double seconds, int least = 3) => MedianSeconds(
        () =>
        {
            var start = Stopwatch.GetTimestamp();
            call();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        },
        seconds,
        least);

    /// <summary>The same for a call that does more than what is timed: it returns its own seconds.</summary>
    public static double MedianSeconds(Func<double> call, double seconds, int least)
    {
        var times = new List<double>();
        var started = Stopwatch.GetTimestamp();
        while (times.Count < least || Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
            times.Add(call());
        return Median(times);
    }

    /// <summary>The median; NaN where a value is.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Any(double.IsNaN) ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
