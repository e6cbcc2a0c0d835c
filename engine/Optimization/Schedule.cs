namespace EscNative.Engine.Optimization;

/// <summary>The learning rate as a function of the step, counted from 0.</summary>
public static class Schedule
{
    /// <summary>The same rate throughout.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public static Func<long, double> Constant(double rate)
    {
        UsageException.RequireNonNegative("Schedule.Constant", "rate", rate);
        return _ => rate;
    }

    /// <summary>The rate times <paramref name="factor"/> after every <paramref name="every"/> steps.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public static Func<long, double> Step(double rate, long every, double factor = 0.1)
    {
        UsageException.RequireNonNegative("Schedule.Step", "rate", rate);
        UsageException.RequireCount("Schedule.Step", "every", every);
        UsageException.RequireNonNegative("Schedule.Step", "factor", factor);
        return step => rate * Math.Pow(factor, step / every);
    }

    /// <summary>Half a cosine from <paramref name="rate"/> to <paramref name="final"/> over <paramref name="total"/> steps.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public static Func<long, double> Cosine(double rate, long total, double final = 0)
    {
        UsageException.RequireNonNegative("Schedule.Cosine", "rate", rate);
        UsageException.RequireCount("Schedule.Cosine", "total", total);
        UsageException.RequireNonNegative("Schedule.Cosine", "final", final);
        return step => final + ((rate - final) * (1 + Math.Cos(Math.PI * Math.Min(step, total) / total)) / 2);
    }

    /// <summary>PyTorch's OneCycleLR with cosine annealing: up to <paramref name="peak"/>, then down to almost nothing.</summary>
    /// <param name="peak">The highest rate.</param>
    /// <param name="total">The number of steps.</param>
    /// <param name="rise">The share of the steps that rise.</param>
    /// <param name="start">The first rate is peak / start.</param>
    /// <param name="end">The last rate is the first / end.</param>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public static Func<long, double> OneCycle(double peak, long total, double rise = 0.3, double start = 25, double end = 1e4)
    {
        UsageException.RequireNonNegative("Schedule.OneCycle", "peak", peak);
        CheckCycle("Schedule.OneCycle", total, rise);
        UsageException.RequirePositive("Schedule.OneCycle", "start", start);
        UsageException.RequirePositive("Schedule.OneCycle", "end", end);
        var (first, last) = (peak / start, peak / start / end);
        var top = (rise * total) - 1;
        return step => step <= top
            ? Anneal(first, peak, top <= 0 ? 1 : step / top)
            : Anneal(peak, last, Math.Min((step - top) / Math.Max(total - 1 - top, 1e-9), 1));
    }

    /// <summary>The momentum that PyTorch's OneCycleLR moves against the rate: from high to low while the rate rises, and back.</summary>
    /// <param name="high">The momentum at the first and the last step.</param>
    /// <param name="low">The momentum at the highest rate.</param>
    /// <param name="total">The number of steps.</param>
    /// <param name="rise">The share of the steps in which the rate rises.</param>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public static Func<long, double> OneCycleMomentum(double high, double low, long total, double rise = 0.3)
    {
        UsageException.RequireNonNegative("Schedule.OneCycleMomentum", "high", high);
        UsageException.RequireNonNegative("Schedule.OneCycleMomentum", "low", low);
        CheckCycle("Schedule.OneCycleMomentum", total, rise);
        var top = (rise * total) - 1;
        return step => step <= top
            ? Anneal(high, low, top <= 0 ? 1 : step / top)
            : Anneal(low, high, Math.Min((step - top) / Math.Max(total - 1 - top, 1e-9), 1));
    }

    private static void CheckCycle(string schedule, long total, double rise)
    {
        UsageException.RequireCount(schedule, "total", total);
        UsageException.Require(rise is >= 0 and <= 1, schedule, "rise", rise, "a share from 0 to 1");
    }

    private static double Anneal(double from, double to, double share) =>
        to + ((from - to) / 2 * (1 + Math.Cos(Math.PI * share)));
}
