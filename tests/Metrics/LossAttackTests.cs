using EscNative.Kernels;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class LossAttackTests
{
    [Fact]
    public void Equal_distributions_give_50_within_3()
    {
        // Oracle 9. Over eight draws of 1,000 + 1,000 the mean's standard error is 1.6 / sqrt(8) = 0.6.
        var seed = Synthetic.FreshSeed();
        var scores = Enumerable.Range(0, 8).Select(i =>
            LossAttack.Run(Losses(1000, seed, (ulong)i), Losses(1000, seed, (ulong)(100 + i))).Score!.Value).ToArray();
        Assert.True(Math.Abs(scores.Average() - 50) < 3, $"seed {seed}: {string.Join(", ", scores)}");
    }

    [Fact]
    public void Disjoint_distributions_give_100()
    {
        var seed = Synthetic.FreshSeed();
        var members = Array.ConvertAll(Losses(300, seed, 1), l => 0.1 * l / (1 + l));
        var result = LossAttack.Run(members, Array.ConvertAll(Losses(300, seed, 2), l => 5 + l));
        Assert.True(result.Score == 100, $"seed {seed}: {result}");
        Assert.All(result.Splits, s => Assert.Equal(100, s));
        Assert.Equal((300, 300), (result.Members, result.TestedRows));
        Assert.True(result.Coefficient < 0);
    }

    [Fact]
    public void In_one_dimension_the_optimum_is_known()
    {
        // Rows at 0 and 1, of which a share p0 and p1 are positive, and no penalty: b = logit p0, w = logit p1 - logit p0.
        double[] x = [.. Enumerable.Repeat(0.0, 10), .. Enumerable.Repeat(1.0, 20)];
        bool[] y = [.. Enumerable.Range(0, 10).Select(i => i < 3), .. Enumerable.Range(0, 20).Select(i => i < 16)];
        var free = BinaryLogistic.Fit(x, 1, y, penalty: 0);
        Assert.Equal(Math.Log(3 / 7.0), free.Intercept, 1e-9);
        Assert.Equal(Math.Log(16 / 4.0) - Math.Log(3 / 7.0), free.Coefficients[0], 1e-9);

        // With the penalty the gradient is 0: w = sum x (y - p), 0 = sum (y - p).
        var fit = BinaryLogistic.Fit(x, 1, y);
        double Error(int i) => (y[i] ? 1 : 0) - (1 / (1 + Math.Exp(-fit.Decision(x.AsSpan(i, 1)))));
        Assert.Equal(fit.Coefficients[0], Enumerable.Range(0, 30).Sum(i => x[i] * Error(i)), 1e-8);
        Assert.Equal(0, Enumerable.Range(0, 30).Sum(Error), 1e-8);
    }

    [Fact]
    public void A_shift_of_losses_moves_the_score_as_the_best_threshold_does()
    {
        // Normal losses at -1 and 1: the best threshold is 0, right for Phi(1) = 84.13 % of the rows.
        var seed = Synthetic.FreshSeed();
        double[] Normal(ulong stream, double mean)
        {
            var values = new float[4000];
            new RandomSource(seed, stream).FillNormal(values);
            return Array.ConvertAll(values, v => v + mean);
        }

        var score = LossAttack.Run(Normal(1, -1), Normal(2, 1)).Score!.Value;
        // 4 standard errors of 4,000 tested rows.
        Assert.True(Math.Abs(score - 84.13) < 400 * Math.Sqrt(0.8413 * 0.1587 / 4000), $"seed {seed}: {score}");
    }

    [Fact]
    public void Members_are_the_forgotten_rows_and_the_larger_side_is_cut()
    {
        var data = Synthetic.WithScores(Synthetic.Data(400, 60, 4, 4, 1, 5, 1));
        var result = LossAttack.Run(data);
        Assert.Equal((15, 15), (result.Members, result.TestedRows));
        // A request of single images has no forgotten test rows: all of the test set are non-members.
        var train = new FeatureSplit(data.Train.Features, 4, data.Train.Labels, 4, FeatureSplit.MarkRows(400, [.. Enumerable.Range(0, 50)]), data.Train.Logits);
        var test = new FeatureSplit(data.Test.Features, 4, data.Test.Labels, 4, new bool[60], data.Test.Logits);
        Assert.Equal(50, LossAttack.Run(new EvaluationData(train, test)).Members);
    }

    [Fact]
    public void Equal_seeds_give_equal_scores_and_few_rows_give_none()
    {
        var data = Synthetic.WithScores(Synthetic.Data(400, 400, 4, 4, 1, 6, 1));
        var options = new LossAttackOptions { Seed = 9 };
        Assert.Equal(LossAttack.Run(data, options).Splits, LossAttack.Run(data, options).Splits);
        Assert.NotEqual(LossAttack.Run(data, options).Splits, LossAttack.Run(data, options with { Seed = 10 }).Splits);
        Assert.Null(LossAttack.Run([], []).Score);
        Assert.Null(LossAttack.Run([1], [2]).Score);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        Assert.Throws<UsageException>(() => LossAttack.Run([1, 2], [1, 2], new LossAttackOptions { Splits = 0 }));
        Assert.Throws<UsageException>(() => LossAttack.Run([1, 2], [1, 2], new LossAttackOptions { TestShare = 1 }));
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => LossAttack.Run([1, 2], [1])).Code);
        var error = Assert.Throws<EscException>(() => LossAttack.Run(Synthetic.Data(20, 8, 2, 2, 1, 7, 0)));
        Assert.Contains("without logits", error.Message, StringComparison.Ordinal);
    }

    private static double[] Losses(int count, ulong seed, ulong stream)
    {
        var uniform = new float[count];
        new RandomSource(seed, stream).FillUniform(uniform);
        return Array.ConvertAll(uniform, u => -Math.Log(1 - u));
    }
}
