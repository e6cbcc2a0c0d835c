using System.Globalization;
using EscNative.Kernels;
using EscNative.Tests.Models;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Similarity;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class SimilarityTests
{
    [Fact]
    public void The_divergence_is_symmetric_at_most_ln_2_and_0_for_equals()
    {
        // Oracle 11.
        var seed = Synthetic.FreshSeed();
        var random = new RandomSource(seed);
        var logits = new float[2 * 5];
        var (p, q) = (new double[5], new double[5]);
        for (var trial = 0; trial < 200; trial++)
        {
            random.FillNormal(logits);
            for (var i = 0; i < 10; i++)
                logits[i] *= 1 << (trial % 12);
            Softmax.Log(logits.AsSpan(0, 5), p);
            Softmax.Log(logits.AsSpan(5, 5), q);
            var js = Divergence.JensenShannon(p, q);
            Assert.True(js >= 0 && js <= Math.Log(2), $"seed {seed}: {js}");
            Assert.Equal(js, Divergence.JensenShannon(q, p), 1e-15);
            Assert.Equal(0, Divergence.JensenShannon(p, p), 1e-15);
            Assert.Equal(0, Divergence.Reversed(p, p), 1e-12);
            Assert.Equal(Naive(p, q), js, 1e-12);
        }

        Softmax.Log([1000, 0], p.AsSpan(0, 2));
        Softmax.Log([0, 1000], q.AsSpan(0, 2));
        Assert.Equal(Math.Log(2), Divergence.JensenShannon(p.AsSpan(0, 2), q.AsSpan(0, 2)), 1e-15);
        Assert.Equal(Math.Sqrt(2), Divergence.Euclidean(p.AsSpan(0, 2), q.AsSpan(0, 2)), 1e-15);
    }

    [Fact]
    public void The_score_of_a_model_against_itself_is_1()
    {
        // Oracle 11.
        float[] logits = [1, 2, 3, -4, 0, 9];
        var same = ZeroRetrainForgetting.Of(logits, logits, 3, seed: 1);
        Assert.Equal((1.0, 1.0, 2), (same.Score.Mean!.Value, same.AsCoded.Mean!.Value, same.Score.Rows));
        var opposite = ZeroRetrainForgetting.Of([1000, 0], [0, 1000], 2, seed: 1);
        Assert.Equal(1 - Math.Log(2), opposite.Score.Mean!.Value, 1e-15);
        // As coded: the mean over rows and classes of m (log m - log p), both ways.
        var other = ZeroRetrainForgetting.Of([0, 0], [MathF.Log(3), 0], 2, seed: 1);
        double[] p = [0.5, 0.5], q = [0.75, 0.25], m = [0.625, 0.375];
        var coded = Enumerable.Range(0, 2).Sum(c => m[c] * (Math.Log(m[c] / p[c]) + Math.Log(m[c] / q[c]))) / 2 / 2;
        Assert.Equal(1 - coded, other.AsCoded.Mean!.Value, 1e-6);
        Assert.True(other.AsCoded.Mean > other.Score.Mean);
    }

    [Fact]
    public void The_score_of_a_model_is_that_against_a_random_one_of_the_seed()
    {
        using var model = SmallImages.Model(seed: 3);
        var images = SmallImages.Set(12, 8);
        // The network that knows nothing is made from the seed: against a model of the same seed nothing differs.
        Assert.Equal(1, ZeroRetrainForgetting.Run(model, images, seed: 3).Score.Mean!.Value, 1e-9);
        var other = ZeroRetrainForgetting.Run(model, images, seed: 4);
        Assert.InRange(other.Score.Mean!.Value, 1 - Math.Log(2), 1 - 1e-6);
        Assert.Equal(other, ZeroRetrainForgetting.Run(model, images, seed: 4));
    }

    [Fact]
    public void Alignment_agrees_with_the_n_by_n_definition()
    {
        var seed = Synthetic.FreshSeed();
        var (a, b) = (Synthetic.Data(90, 4, 7, 3, 1, seed, 1), Synthetic.Data(90, 4, 7, 3, 2, seed + 1, 1));
        var rows = a.Train.RowsOf(forgotten: false);
        var (kx, ky) = (Centred(a.Train, rows), Centred(b.Train, rows));
        double Trace(double[,] x, double[,] y)
        {
            var sum = 0.0;
            foreach (var i in Enumerable.Range(0, rows.Length))
            {
                foreach (var j in Enumerable.Range(0, rows.Length))
                    sum += x[i, j] * y[i, j];
            }

            return sum;
        }

        var expected = Trace(kx, ky) / Math.Sqrt(Trace(kx, kx) * Trace(ky, ky));
        var cka = CkaResult.Of(a.Train, b.Train, rows);
        Assert.True(Math.Abs(expected - cka.Value!.Value) < 1e-9, $"seed {seed}: {cka}, the definition gives {expected}");
        Assert.True(cka.Interval!.Value.Low < expected && expected < cka.Interval.Value.High, $"seed {seed}: {cka}");
    }

    [Fact]
    public void Alignment_does_not_change_under_rotation_and_scaling()
    {
        var data = Synthetic.Data(100, 4, 2, 3, 1, 8, 1);
        var turned = Synthetic.Map(data, f => [.. Enumerable.Range(0, f.Length).Select(i =>
            3 * (i % 2 == 0 ? (0.6f * f[i]) - (0.8f * f[i + 1]) : (0.8f * f[i - 1]) + (0.6f * f[i])))]);
        int[] rows = [.. Enumerable.Range(0, 100)];
        Assert.Equal(1, CkaResult.Of(data.Train, data.Train, rows).Value!.Value, 1e-12);
        Assert.Equal(1, CkaResult.Of(data.Train, turned.Train, rows).Value!.Value, 1e-6);
        var constant = Synthetic.Map(data, f => [.. f.Select((_, i) => 0.1f * (i % 2))]);
        Assert.Null(CkaResult.Of(data.Train, constant.Train, rows).Value);
        Assert.Null(CkaResult.Of(data.Train, data.Train, [5]).Value);
        Assert.Null(CkaResult.Of(data.Train, data.Train, []).Value);
    }

    [Fact]
    public void Models_are_compared_on_each_side()
    {
        var original = Synthetic.WithScores(Synthetic.Data(300, 60, 6, 3, 1, 9, 1));
        var erased = Synthetic.WithScores(Synthetic.EraseMainDirection(original), seed: 2);
        var forget = ModelSimilarity.Of(erased, original, forgotten: true);
        Assert.Equal((100, 100), (forget.Cka.Rows, forget.JensenShannon!.Rows));
        Assert.True(forget.JensenShannon.Mean > 0 && forget.ActivationDistance!.Mean > 0 && forget.Cka.Value < 1);
        var some = ModelSimilarity.Of(erased, original, forgotten: false, new SimilarityOptions { MaxRows = 50 });
        Assert.Equal(50, some.Cka.Rows);
        var same = ModelSimilarity.Of(original, original, forgotten: true);
        Assert.Equal(0, same.JensenShannon!.Mean!.Value, 1e-15);
        Assert.Equal(0, same.ActivationDistance!.Mean!.Value);
        Assert.Equal(1, same.Cka.Value!.Value, 1e-12);
        Assert.Throws<UsageException>(() => ModelSimilarity.Of(original, original, true, new SimilarityOptions { MaxRows = 0 }));
        var other = Synthetic.Data(300, 60, 6, 3, 1, 9, 2);
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => ModelSimilarity.Of(original, other, true)).Code);
    }

    [Fact]
    public void Average_gaps_agree_with_every_row_of_the_papers_table_5()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Metrics", "data", "table5_random_forgetting.csv"));
        var columns = lines[0].Split(',');
        double?[] Values(string line) => [.. new[] { "D_f", "D_r", "D_t", "MIA" }.Select(c => (double?)Cell(line, c))];
        double Cell(string line, string name) => double.Parse(line.Split(',')[Array.IndexOf(columns, name)], CultureInfo.InvariantCulture);
        Assert.StartsWith("Retrain,", lines[1], StringComparison.Ordinal);
        Assert.Equal(10, lines.Length);
        foreach (var line in lines[2..])
        {
            var gap = AverageGapMetric.Of(Values(line), Values(lines[1]))!.Value;
            Assert.True(Math.Abs(gap - Cell(line, "avg_gap_printed")) <= 0.01, $"{line}: {gap}");
        }

        Assert.Null(AverageGapMetric.Of([1, null], [1, 2]));
        Assert.Null(AverageGapMetric.Of([], []));
    }

    private static double Naive(double[] logP, double[] logQ) => 0.5 * Enumerable.Range(0, logP.Length).Sum(c =>
    {
        var (p, q) = (Math.Exp(logP[c]), Math.Exp(logQ[c]));
        var m = (p + q) / 2;
        // The smallest numbers have no half, and nothing to add.
        return (p < double.Epsilon * 4 ? 0 : p * Math.Log(p / m)) + (q < double.Epsilon * 4 ? 0 : q * Math.Log(q / m));
    });

    // H K H with K = X Xᵀ.
    private static double[,] Centred(FeatureSplit split, int[] rows)
    {
        var n = rows.Length;
        var k = new double[n, n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                for (var c = 0; c < split.Width; c++)
                    k[i, j] += (double)split.Features[(rows[i] * split.Width) + c] * split.Features[(rows[j] * split.Width) + c];
            }
        }

        var means = Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n).Average(j => k[i, j])).ToArray();
        var all = means.Average();
        var centred = new double[n, n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
                centred[i, j] = k[i, j] - means[i] - means[j] + all;
        }

        return centred;
    }
}
