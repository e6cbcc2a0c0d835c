using System.Numerics;
using EscNative.Kernels.Cpu;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.Masks;

/// <summary>The CPU's step of ESC-T against its definition.</summary>
public sealed class MaskDescentTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    [Theory]
    [InlineData(20, 7, 7, 3)]
    [InlineData(9, 12, 5, 4)]
    [InlineData(5, 1, 1, 2)]
    [InlineData(8, 6, 6, 1)]
    [InlineData(14, 40, 70, 13)]
    public void The_gradient_is_that_of_central_differences(int n, int d, int r, int classes)
    {
        var (z, labels, u, w, bias) = MaskOracle.Case(n, d, r, classes, _random);
        var exact = new MaskDescent<double>(z, labels, u, w, bias, d);
        var single = new MaskDescent<float>(Floats(z), labels, Floats(u), Floats(w), Floats(bias), d);
        var oracle = new MaskOracle(z, labels, u, w, bias, d);
        for (var i = 0; i < u.Length; i++)
            oracle.Mask[i] = (float)(0.5 + (_random.NextDouble() / 2));
        exact.WriteMask(oracle.Mask);
        single.WriteMask(Floats(oracle.Mask));
        var rows = Enumerable.Range(0, n).Where(i => i % 3 != 1).ToArray();
        var (gradient, rounded) = (new double[u.Length], new float[u.Length]);
        var (loss, roundedLoss) = (exact.Gradient(rows, gradient), single.Gradient(rows, rounded));

        // The set of hits is held: L is differentiable only there.
        var hits = rows.Where(row => oracle.Predict(row) == labels[row]).ToArray();
        Assert.NotEmpty(hits);
        Assert.Equal(oracle.Loss(hits), loss, 1e-12);
        Assert.Equal(loss, roundedLoss, 1e-5);
        const double h = 1e-5;
        var scale = gradient.Max(Math.Abs) + 1e-3;
        for (var i = 0; i < u.Length; i++)
        {
            var m = oracle.Mask[i];
            oracle.Mask[i] = m + h;
            var above = oracle.Loss(hits);
            oracle.Mask[i] = m - h;
            var below = oracle.Loss(hits);
            oracle.Mask[i] = m;
            var difference = (above - below) / (2 * h);
            Assert.True(Math.Abs(difference - gradient[i]) <= 1e-6 * scale, $"entry {i}, seed {Seed}");
            Assert.True(Math.Abs(difference - rounded[i]) <= 1e-4 * scale, $"entry {i} in float32, seed {Seed}");
        }
    }

    [Theory]
    [InlineData(50, 13, 13, 5, 8)]
    [InlineData(33, 40, 17, 10, 64)]
    [InlineData(20, 70, 70, 30, 7)]
    public void Steps_follow_the_definition(int n, int d, int r, int classes, int batch)
    {
        var (z, labels, u, w, bias) = MaskOracle.Case(n, d, r, classes, _random);
        var oracle = new MaskOracle(z, labels, u, w, bias, d);
        var exact = new MaskDescent<double>(z, labels, u, w, bias, d);
        var single = new MaskDescent<float>(Floats(z), labels, Floats(u), Floats(w), Floats(bias), d);
        for (var first = 0; first < n; first += batch)
        {
            var rows = Enumerable.Range(first, Math.Min(batch, n - first)).ToArray();
            var hits = oracle.Step(rows, 0.5);
            Assert.Equal(hits, exact.Step(rows, 0.5));
            Assert.Equal(hits, single.Step(rows, 0.5f));
            var (wanted, rounded) = (Mask(exact, u.Length), Mask(single, u.Length));
            for (var i = 0; i < u.Length; i++)
            {
                Assert.Equal(oracle.Mask[i], wanted[i], 1e-12);
                Assert.Equal(oracle.Mask[i], rounded[i], 1e-4);
                Assert.InRange(rounded[i], 0, 1);
            }
        }

        Assert.Contains(oracle.Mask, m => m < 0.99);

        Assert.Equal(oracle.CountHits(), exact.CountHits());
    }

    [Fact]
    public void A_batch_without_a_hit_changes_nothing()
    {
        var (z, labels, u, w, bias) = MaskOracle.Case(12, 5, 5, 3, _random);
        var oracle = new MaskOracle(z, labels, u, w, bias, 5);
        for (var i = 0; i < labels.Length; i++)
            labels[i] = (oracle.Predict(i) + 1) % 3;
        var descent = new MaskDescent<double>(z, labels, u, w, bias, 5);
        Assert.Equal(0, descent.Step([3, 1, 4, 1, 5], 10));
        Assert.All(Mask(descent, u.Length), m => Assert.Equal(1, m));
        Assert.Equal(0, descent.CountHits());
        Assert.Equal(0, descent.Step([], 10));
    }

    [Fact]
    public void Of_equal_logits_the_lowest_class_wins()
    {
        // Two classes alike: only the first of them can be hit.
        double[] z = [1, 2], u = [1, 0, 0, 1], w = [3, 1, 3, 1], bias = [0, 0];
        Assert.Equal(1, new MaskDescent<double>(z, [0], u, w, bias, 2).CountHits());
        Assert.Equal(0, new MaskDescent<double>(z, [1], u, w, bias, 2).CountHits());
        Assert.Equal(0, new MaskDescent<double>(z, [1], u, w, bias, 2).Step([0], 1));
    }

    [Fact]
    public void The_bits_do_not_depend_on_the_threads()
    {
        // Large enough for several tasks, of unequal size.
        var (z, labels, u, w, bias) = MaskOracle.Case(64, 150, 330, 10, _random);
        Threads.AssertSameBits(() =>
        {
            var descent = new MaskDescent<float>(Floats(z), labels, Floats(u), Floats(w), Floats(bias), 150);
            for (var step = 0; step < 3; step++)
                Assert.True(descent.Step([.. Enumerable.Range(0, 64)], 0.1f) > 0);
            return (double[])[.. Mask(descent, u.Length).Select(m => (double)m), descent.CountHits()];
        });
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_usage_errors()
    {
        Assert.Throws<UsageException>(() => new MaskDescent<float>(new float[6], [0, 0], new float[9], new float[6], new float[3], 3));
        Assert.Contains(
            "label 1 is 2", Assert.Throws<UsageException>(() => new MaskDescent<float>(new float[6], [0, 2], new float[9], new float[6], new float[2], 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_is_read_as_it_was_written_and_counts()
    {
        var (z, labels, u, w, bias) = MaskOracle.Case(70, 9, 35, 4, _random);
        var descent = new MaskDescent<double>(z, labels, u, w, bias, 9);
        var oracle = new MaskOracle(z, labels, u, w, bias, 9);
        Assert.Equal(oracle.CountHits(), descent.CountHits());
        for (var i = 0; i < u.Length; i++)
            oracle.Mask[i] = _random.NextDouble();
        descent.WriteMask(oracle.Mask);
        Assert.Equal(oracle.Mask, Mask(descent, u.Length));
        Assert.Equal(oracle.CountHits(), descent.CountHits());
        Assert.Throws<UsageException>(() => descent.WriteMask(new double[3]));
        Assert.Throws<UsageException>(() => descent.ReadMask(new double[3]));
        Assert.Throws<UsageException>(() => descent.Gradient([0], new double[3]));
    }

    private static T[] Mask<T>(MaskDescent<T> descent, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var mask = new T[count];
        descent.ReadMask(mask);
        return mask;
    }

    private static float[] Floats(double[] values) => Array.ConvertAll(values, v => (float)v);
}
