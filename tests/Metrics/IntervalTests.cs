using EscNative.Kernels;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class IntervalTests
{
    [Theory]
    // (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), worked out by hand.
    [InlineData(0.0, 10, 0, 27.7533)]
    [InlineData(50.0, 100, 40.3832, 59.6168)]
    [InlineData(100.0, 1000, 99.6173, 100)]
    public void Wilson(double percent, int n, double low, double high)
    {
        var interval = Interval.Wilson(percent, n)!.Value;
        Assert.Equal(low, interval.Low, 1e-3);
        Assert.Equal(high, interval.High, 1e-3);
    }

    [Fact]
    public void What_has_no_value_has_no_interval()
    {
        Assert.Null(Interval.Wilson(null, 10));
        Assert.Null(Interval.Wilson(50, 0));
        Assert.Null(Interval.HanleyMcNeil(null, 3, 4));
        Assert.Null(ForgetAccuracies.MeanInterval(50, 10, null, 0));
        Assert.Null(Interval.Bootstrap(0, 4, (_, _) => 1, 1));
    }

    [Theory]
    [InlineData(0.05, 0.95)]
    [InlineData(0.5, 0.6)]
    public void Of_draws_95_per_cent_of_the_intervals_hold_the_true_value(double forget, double remain)
    {
        var seed = Synthetic.FreshSeed();
        var random = new RandomSource(seed);
        var truth = ForgetAccuracies.Combine(100 * forget, 100 * remain)!.Value;
        int accuracies = 0, means = 0;
        const int Trials = 1000, Rows = 200;
        for (var trial = 0; trial < Trials; trial++)
        {
            var (f, r) = (Draw(forget), Draw(remain));
            accuracies += Holds(Interval.Wilson(r, Rows)!.Value, 100 * remain);
            means += Holds(ForgetAccuracies.MeanInterval(f, Rows, r, Rows)!.Value, truth);
        }

        // 95 % with 4 standard errors of 1,000 trials, and the steps of a binomial with 200 rows.
        Assert.True(Math.Abs(accuracies - 950) < 45, $"seed {seed}: {accuracies} of {Trials} hold an accuracy");
        Assert.True(Math.Abs(means - 950) < 45, $"seed {seed}: {means} of {Trials} hold a harmonic mean");

        double Draw(double p) => 100.0 * Enumerable.Range(0, Rows).Count(_ => random.NextUniform() < p) / Rows;
        static int Holds(Interval i, double value) => i.Low <= value && value <= i.High ? 1 : 0;
    }

    [Fact]
    public void A_bootstrap_of_a_mean_is_as_wide_as_its_error_says()
    {
        var values = Enumerable.Range(0, 400).Select(i => i % 20 / 20.0).ToArray();
        var deviation = Math.Sqrt(values.Average(v => Math.Pow(v - values.Average(), 2)));
        var interval = Interval.Bootstrap(400, 1, (counts, _) => counts.Zip(values).Sum(p => p.First * p.Second) / 400, seed: 3, resamples: 2000)!.Value;
        Assert.Equal(2 * 1.96 * deviation / 20, interval.High - interval.Low, 0.01);
        Assert.Equal(interval, Interval.Bootstrap(400, 1, (counts, _) => counts.Zip(values).Sum(p => p.First * p.Second) / 400, seed: 3, resamples: 2000));
    }

    [Fact]
    public void A_mean_of_values_has_the_error_of_their_deviation()
    {
        var mean = MeanValue.Of([1, 2, 3, 4]);
        Assert.Equal(2.5, mean.Mean);
        Assert.Equal(2 * 1.959964 * Math.Sqrt(5.0 / 3 / 4), mean.Interval!.Value.High - mean.Interval.Value.Low, 1e-5);
        Assert.Equal(new MeanValue(7, null, 1), MeanValue.Of([7]));
        Assert.Equal(new MeanValue(null, null, 0), MeanValue.Of([]));
    }
}
