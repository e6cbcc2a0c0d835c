using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Reports;

/// <summary>RTE, the run-time efficiency of ESC's table 5: wall seconds of the unlearning step alone, the model loaded already
/// and nothing evaluated.</summary>
public static class RunTime
{
    // 97.5 % quantiles of Student's distribution for 1 to 30 degrees of freedom.
    private static readonly double[] Student =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>The row of a report.</summary>
    /// <param name="seconds">The time of each run: <see cref="UnlearningResult.Seconds"/>.</param>
    /// <param name="retrainSeconds">What training without the forgotten data took, if that is known.</param>
    /// <exception cref="EscException">BadInput: no run.</exception>
    public static MetricResult Row(IReadOnlyList<double> seconds, double? retrainSeconds = null)
    {
        ArgumentNullException.ThrowIfNull(seconds);
        if (seconds.Count == 0)
            throw Guard.Bad("RTE: got no run, wants one or more");
        var (n, mean) = (seconds.Count, seconds.Average());
        var deviation = n < 2 ? 0 : Math.Sqrt(seconds.Sum(s => (s - mean) * (s - mean)) / (n - 1));
        var half = n < 2 ? 0 : Student[Math.Min(n - 1, Student.Length) - 1] * deviation / Math.Sqrt(n);
        return new MetricResult
        {
            Metric = "RTE",
            Name = "seconds",
            Value = mean,
            Original = null,
            Retrain = retrainSeconds,
            Unit = "s",
            Definition = "wall seconds of the unlearning step alone (ESC, table 5); mean over the runs",
            Ideal = "0",
            Direction = MetricDirection.Lower,
            N = n,
            Interval = n < 2 ? null : new Interval(mean - half, mean + half),
            IntervalBasis = n < 2 ? "none: one run" : "Student",
        };
    }
}
