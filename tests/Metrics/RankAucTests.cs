using EscNative.Kernels;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class RankAucTests
{
    [Theory]
    [InlineData(2, 1000)]
    [InlineData(97, 1000)]
    [InlineData(200, 3)]
    public void Agrees_with_counting_every_pair(int rows, int levels)
    {
        var seed = Synthetic.FreshSeed();
        var random = new RandomSource(seed);
        var (scores, positive) = (new double[rows], new bool[rows]);
        for (var i = 0; i < rows; i++)
            (scores[i], positive[i]) = (random.NextInt(levels), i == 0 || (i > 1 && random.NextInt(3) == 0));
        double wins = 0, pairs = 0;
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < rows; j++)
            {
                if (!positive[i] || positive[j])
                    continue;
                pairs++;
                wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            }
        }

        Assert.True(RankAuc.Of(scores, positive) == wins / pairs, $"seed {seed}: {RankAuc.Of(scores, positive)}, counted {wins / pairs}");
    }

    [Fact]
    public void Known_values()
    {
        Assert.Equal(1.0, RankAuc.Of([1, 2, 3], [false, false, true]));
        Assert.Equal(0.0, RankAuc.Of([1, 2, 3], [true, false, false]));
        Assert.Equal(0.5, RankAuc.Of([7, 7, 7], [true, false, false]));
    }

    [Fact]
    public void One_side_alone_has_no_area()
    {
        Assert.Null(RankAuc.Of([1, 2], [true, true]));
        Assert.Null(RankAuc.Of([1, 2], [false, false]));
        Assert.Null(RankAuc.Of([], []));
    }

    [Fact]
    public void A_score_that_is_no_number_is_refused() =>
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => RankAuc.Of([1, double.NaN], [true, false])).Code);
}
