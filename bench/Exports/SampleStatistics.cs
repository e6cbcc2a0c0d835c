namespace EscNative.Bench.Exports;

/// <summary>What other harnesses state of samples, by their definitions.</summary>
internal sealed class SampleStatistics
{
    private readonly double[] _sorted;

    /// <summary>Of one sample or more.</summary>
    public SampleStatistics(IReadOnlyList<double> samples)
    {
        if (samples.Count == 0)
            throw new ArgumentException("statistics of no samples", nameof(samples));
        _sorted = [.. samples.Order()];
        Mean = samples.Average();
        Variance = samples.Count > 1 ? samples.Sum(x => (x - Mean) * (x - Mean)) / (samples.Count - 1) : 0;
    }

    public int Count => _sorted.Length;

    public double Mean { get; }

    /// <summary>With n - 1; 0 for a single sample.</summary>
    public double Variance { get; }

    public double Deviation => Math.Sqrt(Variance);

    public double StandardError => Deviation / Math.Sqrt(Count);

    public double Minimum => _sorted[0];

    public double Maximum => _sorted[^1];

    public double Median => Quantile(0.5);

    /// <summary>Interpolated at rank q (n - 1), as everywhere in this program.</summary>
    public double Quantile(double q)
    {
        var rank = q * (Count - 1);
        var below = (int)rank;
        return _sorted[below] + ((rank - below) * (_sorted[Math.Min(below + 1, Count - 1)] - _sorted[below]));
    }

    /// <summary>The mean of ((x - mean) / deviation)^k; NaN without a deviation.</summary>
    public double StandardMoment(int k) => _sorted.Average(x => Math.Pow(x - Mean, k)) / Math.Pow(Deviation, k);

    /// <summary>Samples outside of the interval.</summary>
    public IReadOnlyList<double> Outside(double low, double high) => [.. _sorted.Where(x => x < low || x > high)];

    /// <summary>Half of the confidence interval of the mean; NaN for a single sample.</summary>
    public double Margin(double level) => Count > 1 ? StandardError * StudentQuantile(level, Count - 1) : double.NaN;

    // The t with P(|T| <= t) = level. For whole degrees of freedom the probability is a finite sum in the angle atan(t / sqrt(df))
    // (Abramowitz and Stegun, 26.7.3 and 26.7.4), which grows with the angle.
    private static double StudentQuantile(double level, int df)
    {
        double low = 0, high = Math.PI / 2;
        while (true)
        {
            var middle = (low + high) / 2;
            if (middle <= low || middle >= high)
                return Math.Sqrt(df) * Math.Tan(middle);
            if (Probability(middle, df) < level)
                low = middle;
            else
                high = middle;
        }
    }

    private static double Probability(double angle, int df)
    {
        var (sin, cos) = Math.SinCos(angle);
        var odd = df % 2 == 1;
        var term = odd ? cos : 1.0;
        var sum = df == 1 ? 0 : term;
        for (var k = odd ? 3 : 2; k < df; k += 2)
        {
            term *= (k - 1.0) / k * cos * cos;
            sum += term;
        }

        return odd ? 2 / Math.PI * (angle + (sin * sum)) : sin * sum;
    }
}
