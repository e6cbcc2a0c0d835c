using EscNative.Unlearning.Features;

namespace EscNative.Tests.Unlearning.Features;

public sealed class StatisticsTests
{
    [Theory]
    [InlineData(2, 1, 1)]
    [InlineData(67, 9, 5)]
    [InlineData(129, 17, 64)]
    public void Covariances_are_those_of_two_passes_however_the_rows_are_cut(int n, int d, int block)
    {
        // The mean is large against the deviation: sums of squares would cancel.
        var rows = RandomRows.Draw(7, n, d, classes: 2, offset: 1000);
        var statistics = rows.Gather(new ConceptColumns([0], [1]), forgotten: 1, block);
        var values = Array.ConvertAll(rows.Values, v => (double)v);
        var mean = Enumerable.Range(0, d).Select(j => Enumerable.Range(0, n).Average(i => values[(i * d) + j])).ToArray();
        var covariance = statistics.Covariance();
        for (var a = 0; a < d; a++)
        {
            Assert.Equal(mean[a], statistics.Mean[a], 9);
            for (var b = 0; b < d; b++)
            {
                var expected = Enumerable.Range(0, n).Sum(i => (values[(i * d) + a] - mean[a]) * (values[(i * d) + b] - mean[b])) / (n - 1);
                Assert.Equal(expected, covariance[(a * d) + b], 9);
            }
        }

        for (var c = 0; c < 2; c++)
        {
            var expected = rows.CovarianceWith(values, l => l == c);
            for (var a = 0; a < d; a++)
                Assert.Equal(expected[a], statistics.CrossCovariance()[(a * 2) + c], 9);
        }
    }

    [Fact]
    public void One_row_has_no_covariance_and_a_row_that_is_not_finite_is_refused()
    {
        var statistics = new CovarianceAccumulator(2, 0);
        statistics.Add([], []);
        statistics.Add([1f, 2f], []);
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => statistics.Covariance()).Code);
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => statistics.Add([float.NaN, 0], [])).Code);
    }

    [Theory]
    [InlineData(11, 40, false)]
    [InlineData(7, 200, true)]
    public void Whitening_gives_the_identity_on_the_features_range(int d, int n, bool dead)
    {
        var covariance = RandomRows.Draw(3, n, d, dead: dead).Gather(new ConceptColumns([], []), 1).Covariance();
        var whitening = Whitening.Of(covariance, d);
        Assert.Equal(dead ? d - ((d + 3) / 4) : d, whitening.Rank);
        var white = MatrixMath.Multiply(d, d, d, MatrixMath.Multiply(d, d, d, whitening.Forward, covariance), whitening.Forward);
        var range = MatrixMath.Multiply(d, d, d, whitening.Back, whitening.Forward);
        for (var i = 0; i < white.Length; i++)
            Assert.Equal(range[i], white[i], 9);
        Assert.Equal(whitening.Rank, MatrixMath.Trace(range, d), 9);
    }

    [Fact]
    public void Shrinkage_keeps_the_trace_and_gives_the_formulas_share()
    {
        const int d = 5, n = 60;
        var covariance = RandomRows.Draw(5, n, d).Gather(new ConceptColumns([], []), 1).Covariance(0);
        var shrunk = (double[])covariance.Clone();
        var a = Shrinkage.Apply(shrunk, d, n);
        var trace = MatrixMath.Trace(covariance, d);
        var norm = covariance.Sum(v => v * v);
        // With T = I t, t = tr / d: |T|² = d t², tr(S T) = t tr.
        var t = trace / d;
        var expected = 1 - (trace * trace * d * t * t / n / ((norm * d * t * t) - (t * trace * t * trace)));
        Assert.InRange(a, 0.01, 0.99);
        Assert.Equal(expected, a, 12);
        Assert.Equal(trace, MatrixMath.Trace(shrunk, d), 10);
        Assert.Equal(a * covariance[1], shrunk[1], 12);
        double[] sphere = [2, 0, 0, 2];
        Assert.Equal(0, Shrinkage.Apply(sphere, 2, 10));
        Assert.Equal([2, 0, 0, 2], sphere);
    }
}
