using EscNative.Kernels;
using EscNative.Tests.Kernels;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

[Collection(CpuThreads.Collection)]
public sealed class LogisticRegressionTests
{
    [Theory]
    [InlineData(1, 1, 2)]
    [InlineData(7, 3, 3)]
    [InlineData(300, 5, 2)]
    [InlineData(523, 13, 10)]
    // More than one chunk of blocks, and a last block that is not full.
    [InlineData(17000, 2, 3)]
    public void Value_and_gradient_agree_with_plain_loops(int rows, int width, int classes)
    {
        var seed = Synthetic.FreshSeed();
        var (split, weights) = Problem(rows, width, classes, seed);
        var objective = new LogisticObjective(split, split.Labels, classes, weights, Standardiser.Of(split)) { L2 = 0.03 };
        var point = Point(objective.Length, seed);
        var (gradient, expected) = (new double[objective.Length], new double[objective.Length]);
        var value = objective.Evaluate(point, gradient);
        var wanted = Naive(split, weights, point, 0.03, expected);
        // Sums of `rows` terms of size 1 in another order: sqrt(rows) 2^-53 of the sum, divided by their number.
        Assert.True(Math.Abs(wanted - value) <= 1e-12 * Math.Max(1, wanted), $"seed {seed}: value {value}, wants {wanted}");
        for (var i = 0; i < gradient.Length; i++)
            Assert.True(Math.Abs(expected[i] - gradient[i]) <= 1e-12, $"seed {seed}: gradient {i} is {gradient[i]}, wants {expected[i]}");
    }

    [Fact]
    public void The_gradient_agrees_with_central_differences()
    {
        var seed = Synthetic.FreshSeed();
        var (split, weights) = Problem(211, 6, 4, seed);
        var objective = new LogisticObjective(split, split.Labels, 4, weights, Standardiser.Of(split)) { L2 = 0.1 };
        var point = Point(objective.Length, seed);
        var (gradient, unused) = (new double[objective.Length], new double[objective.Length]);
        objective.Evaluate(point, gradient);
        for (var i = 0; i < point.Length; i++)
        {
            var (up, down) = ((double[])point.Clone(), (double[])point.Clone());
            up[i] += 1e-5;
            down[i] -= 1e-5;
            var slope = (objective.Evaluate(up, unused) - objective.Evaluate(down, unused)) / 2e-5;
            // Truncation h² f''' / 6 is about 1e-10, rounding 1e-16 / h about 1e-11.
            Assert.True(Math.Abs(slope - gradient[i]) <= 1e-8, $"seed {seed}: variable {i}, slope {slope}, gradient {gradient[i]}");
        }
    }

    [Theory]
    [InlineData(60, 3, 3, 1e-2)]
    [InlineData(200, 8, 5, 1e-4)]
    [InlineData(150, 4, 2, 1e-3)]
    public void The_optimum_is_that_of_newtons_method(int rows, int width, int classes, double l2)
    {
        var seed = Synthetic.FreshSeed();
        var (split, _) = Problem(rows, width, classes, seed);
        var regression = new LogisticRegression(split, split.Labels, classes);
        var fit = regression.Fit(l2, 1e-10, 2000, null, CancellationToken.None);
        Assert.True(fit.Converged, $"seed {seed}: gradient norm {fit.GradientNorm}");
        var ones = Enumerable.Repeat(1.0, classes).ToArray();
        var (value, weight) = Newton(split, ones, l2);
        Assert.True(Math.Abs(value - fit.Value) <= 1e-12, $"seed {seed}: value {fit.Value}, Newton {value}");
        // The penalty makes W unique: |W - W*| <= gradient norm / L2.
        for (var i = 0; i < classes * width; i++)
            Assert.True(Math.Abs(weight[i] - regression.Head.Weight[i]) <= 1e-9 / l2, $"seed {seed}: weight {i}");
    }

    [Fact]
    public void A_fit_from_a_neighbouring_solution_ends_at_the_same_point()
    {
        var seed = Synthetic.FreshSeed();
        var (split, _) = Problem(400, 6, 4, seed);
        var cold = new LogisticRegression(split, split.Labels, 4);
        var warm = new LogisticRegression(split, split.Labels, 4);
        warm.Fit(1e-1, 1e-9, 1000, null, CancellationToken.None);
        var (a, b) = (cold.Fit(1e-3, 1e-9, 1000, null, CancellationToken.None), warm.Fit(1e-3, 1e-9, 1000, null, CancellationToken.None));
        Assert.True(Math.Abs(a.Value - b.Value) <= 1e-12, $"seed {seed}: cold {a.Value}, warm {b.Value}");
    }

    [Fact]
    public void Balanced_classes_weigh_the_same()
    {
        // With one constant feature only the bias is left, and at the optimum each class has probability 1/2.
        var split = new FeatureSplit([1, 1, 1, 1], 1, [0, 1, 1, 1], 2, new bool[4]);
        var balanced = new LogisticRegression(split, split.Labels, 2, balanced: true);
        var plain = new LogisticRegression(split, split.Labels, 2);
        Assert.True(balanced.Fit(1e-3, 1e-9, 100, null, CancellationToken.None).Converged);
        Assert.True(plain.Fit(1e-3, 1e-9, 100, null, CancellationToken.None).Converged);
        Assert.Equal(0, balanced.Head.Bias[1] - balanced.Head.Bias[0], 1e-7);
        Assert.Equal(Math.Log(3), plain.Head.Bias[1] - plain.Head.Bias[0], 1e-7);
    }

    [Fact]
    public void Columns_without_information_are_ignored()
    {
        // Column 0 is constant, column 1 varies by less than its rounding, column 2 is real.
        float[] features = [5, 1e7f, 1, 5, 1e7f, 2, 5, 10000001, 4, 5, 1e7f, 8];
        var scale = Standardiser.Of(new FeatureSplit(features, 3, [0, 1, 0, 1], 2, new bool[4])).Scale;
        Assert.Equal([0, 0], scale[..2]);
        // Values 1, 2, 4, 8: mean 3.75, variance 7.1875.
        Assert.Equal(1 / Math.Sqrt(7.1875), scale[2], 1e-15);
    }

    [Fact]
    public void A_fit_gives_the_same_bits_for_any_number_of_threads()
    {
        var (split, weights) = Problem(30000, 9, 5, seed: 7);
        Threads.AssertSameBits(() =>
        {
            var regression = new LogisticRegression(split, split.Labels, 5);
            regression.Fit(1e-3, 1e-5, 20, null, CancellationToken.None);
            return regression.Head.Weight.ToArray();
        });
        Assert.Equal(5, weights.Length);
    }

    private static (FeatureSplit Split, double[] ClassWeights) Problem(int rows, int width, int classes, ulong seed)
    {
        var random = new RandomSource(seed);
        var features = new float[rows * width];
        random.FillNormal(features);
        var labels = new int[rows];
        for (var row = 0; row < rows; row++)
            labels[row] = random.NextInt(classes);
        for (var i = 0; i < features.Length; i++)
            features[i] = (3 * features[i]) + (0.5f * labels[i / width]);
        return (new FeatureSplit(features, width, labels, classes, new bool[rows]), [.. Enumerable.Range(1, classes).Select(c => 0.5 * c)]);
    }

    private static double[] Point(int length, ulong seed)
    {
        var normal = new float[length];
        new RandomSource(seed, stream: 5).FillNormal(normal);
        return Array.ConvertAll(normal, v => (double)v);
    }

    /// <summary>The definition, written out.</summary>
    private static double Naive(FeatureSplit split, double[] classWeights, double[] point, double l2, double[] gradient)
    {
        var (x, classes, width) = (Standardised(split), split.Classes, split.Width);
        double loss = 0, total = 0;
        for (var row = 0; row < split.Rows; row++)
        {
            var p = Probabilities(x[row], point, classes, width);
            var weight = classWeights[split.Labels[row]];
            total += weight;
            loss -= weight * Math.Log(p[split.Labels[row]]);
            for (var c = 0; c < classes; c++)
            {
                var e = weight * (p[c] - (c == split.Labels[row] ? 1 : 0));
                for (var j = 0; j < width; j++)
                    gradient[(c * width) + j] += e * x[row][j];
                gradient[(classes * width) + c] += e;
            }
        }

        var square = 0.0;
        for (var i = 0; i < gradient.Length; i++)
        {
            gradient[i] = (gradient[i] / total) + (i < classes * width ? l2 * point[i] : 0);
            square += i < classes * width ? point[i] * point[i] : 0;
        }

        return (loss / total) + (l2 / 2 * square);
    }

    /// <summary>Newton's method with the whole Hessian; the bias gets a ridge of 1e-9, since adding a constant changes nothing.</summary>
    private static (double Value, double[] Point) Newton(FeatureSplit split, double[] classWeights, double l2)
    {
        var (x, classes, width) = (Standardised(split), split.Classes, split.Width);
        var n = classes * (width + 1);
        var point = new double[n];
        var value = 0.0;
        for (var iteration = 0; iteration < 40; iteration++)
        {
            var gradient = new double[n];
            value = Naive(split, classWeights, point, l2, gradient);
            var hessian = new double[n * n];
            for (var i = 0; i < n; i++)
                hessian[(i * n) + i] = i < classes * width ? l2 : 1e-9;
            foreach (var row in x)
            {
                var p = Probabilities(row, point, classes, width);
                for (var i = 0; i < n; i++)
                {
                    for (var j = 0; j < n; j++)
                    {
                        var (a, b) = (Class(i), Class(j));
                        var h = (a == b ? p[a] : 0) - (p[a] * p[b]);
                        hessian[(i * n) + j] += h * Value(row, i) * Value(row, j) / split.Rows;
                    }
                }
            }

            Assert.True(Cholesky.Factor(hessian, n));
            Cholesky.Solve(hessian, n, gradient);
            // Half steps at first: a full one may overshoot far from the optimum.
            for (var i = 0; i < n; i++)
                point[i] -= (iteration < 5 ? 0.5 : 1) * gradient[i];
        }

        return (value, point);
        int Class(int i) => i < classes * width ? i / width : i - (classes * width);
        double Value(double[] row, int i) => i < classes * width ? row[i % width] : 1;
    }

    private static double[] Probabilities(double[] row, double[] point, int classes, int width)
    {
        var scores = new double[classes];
        for (var c = 0; c < classes; c++)
        {
            scores[c] = point[(classes * width) + c];
            for (var j = 0; j < width; j++)
                scores[c] += point[(c * width) + j] * row[j];
        }

        var largest = scores.Max();
        var sum = scores.Sum(s => Math.Exp(s - largest));
        return Array.ConvertAll(scores, s => Math.Exp(s - largest) / sum);
    }

    private static double[][] Standardised(FeatureSplit split)
    {
        var rows = Enumerable.Range(0, split.Rows)
            .Select(r => Array.ConvertAll(split.Features[(r * split.Width)..((r + 1) * split.Width)], v => (double)v)).ToArray();
        for (var j = 0; j < split.Width; j++)
        {
            var mean = rows.Average(r => r[j]);
            var deviation = Math.Sqrt(rows.Average(r => (r[j] - mean) * (r[j] - mean)));
            foreach (var row in rows)
                row[j] = deviation > 0 ? (row[j] - mean) / deviation : 0;
        }

        return rows;
    }
}
