namespace EscNative.Bench.Measuring;

/// <summary>Decides when warm-up has done its work.</summary>
/// <remarks>
/// Settled means that the median of the last three runs is within 5 % of the median of the three before. The number of runs
/// and the time are bounded, because a noisy machine never settles; which rule ended the warm-up is part of the result.
/// </remarks>
/// <param name="maximumRuns">The end, settled or not.</param>
/// <param name="budget">The end in time, settled or not.</param>
internal sealed class WarmupRule(int maximumRuns, TimeSpan budget)
{
    private const int Window = 3;
    private const double Tolerance = 0.05;

    private readonly List<double> _runs = [];
    private double _spent;

    /// <summary>How many runs there were.</summary>
    public int Runs => _runs.Count;

    /// <summary>Which rule ended the warm-up; null while it goes on.</summary>
    public string? Reason { get; private set; }

    /// <summary>Takes one run's time; returns whether the warm-up is over.</summary>
    public bool Add(double milliseconds)
    {
        _runs.Add(milliseconds);
        _spent += milliseconds;
        if (_runs.Count >= 2 * Window)
        {
            var now = LatencyStatistics.From(_runs.TakeLast(Window)).Median;
            var before = LatencyStatistics.From(_runs.SkipLast(Window).TakeLast(Window)).Median;
            if (Math.Abs(now - before) <= Tolerance * before)
                Reason = "settled: the median of three runs changed by at most 5 %";
        }

        if (Reason is null && _spent >= budget.TotalMilliseconds)
            Reason = FormattableString.Invariant($"time limit of {budget.TotalSeconds:0.#} s");
        if (Reason is null && _runs.Count >= maximumRuns)
            Reason = FormattableString.Invariant($"limit of {maximumRuns} runs");
        return Reason is not null;
    }
}
