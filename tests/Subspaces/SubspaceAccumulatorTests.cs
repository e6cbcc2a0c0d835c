using EscNative.Tests.Kernels;
using EscNative.Tests.LinearAlgebra;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Subspaces;

public sealed class SubspaceAccumulatorTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 1)]
    [InlineData(5, 7)]
    [InlineData(512, 12)]
    [InlineData(1200, 33)]
    [InlineData(513, 96)]
    public void Equals_the_plain_product(int n, int d)
    {
        var rows = Features.Uniform(n, d, _random);
        var accumulator = new SubspaceAccumulator(d);
        accumulator.Add(rows, n);
        Assert.Equal(n, accumulator.Count);
        var wanted = Features.Gram(rows, n, d);
        var got = accumulator.Gram();
        // Products of float32 values are exact in float64; n additions of terms up to 1.
        for (var i = 0; i < wanted.Length; i++)
            Assert.True(Math.Abs(wanted[i] - got[i]) <= n * n * Matrices.Epsilon, $"entry {i}, seed {Seed}");
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < i; j++)
                Assert.Equal(got[i * d + j], got[j * d + i]);
        }

        Assert.Equal(Matrices.Trace(wanted, d), accumulator.Trace, 1e-9);
    }

    [Fact]
    public void The_bits_do_not_depend_on_how_the_rows_were_cut()
    {
        const int n = 2111, d = 37;
        var rows = Features.Uniform(n, d, _random);
        var whole = new SubspaceAccumulator(d);
        whole.Add(rows, n);
        for (var trial = 0; trial < 10; trial++)
        {
            var cut = new SubspaceAccumulator(d);
            for (var at = 0; at < n;)
            {
                var count = Math.Min(n - at, _random.Next(0, trial < 5 ? 40 : 1200));
                cut.Add(rows.AsSpan(at * d, count * d), count);
                at += count;
                // Reading in between must not matter either.
                _ = cut.Trace;
            }

            Assert.Equal(whole.Gram(), cut.Gram());
            Assert.Equal(n, cut.Count);
        }
    }

    [Fact]
    public void The_bits_do_not_depend_on_the_threads()
    {
        const int n = 1100, d = 200;
        var rows = Features.Uniform(n, d, _random);
        Threads.AssertSameBits(() =>
        {
            var accumulator = new SubspaceAccumulator(d);
            accumulator.Add(rows, n);
            return accumulator.Gram();
        });
    }

    [Theory]
    [InlineData(600, 512)]
    [InlineData(100, 50)]
    [InlineData(1024, 1)]
    public void Merging_parts_gives_the_whole(int first, int second)
    {
        const int d = 19;
        var rows = Features.Uniform(first + second, d, _random);
        SubspaceAccumulator whole = new(d), a = new(d), b = new(d);
        whole.Add(rows, first + second);
        a.Add(rows.AsSpan(0, first * d), first);
        b.Add(rows.AsSpan(first * d), second);
        var untouched = b.Gram();
        a.Merge(b);
        Assert.Equal(first + second, a.Count);
        Assert.Equal(untouched, b.Gram());
        var distance = Matrices.Distance(whole.Gram(), a.Gram());
        Assert.True(distance <= 1e-11, $"distance {distance}, seed {Seed}");
    }

    [Fact]
    public void A_stored_Gram_matrix_goes_on_where_it_stopped()
    {
        const int d = 9;
        const int block = SubspaceAccumulator.BlockRows;
        var rows = Features.Uniform(2 * block, d, _random);
        SubspaceAccumulator whole = new(d), half = new(d);
        whole.Add(rows, 2 * block);
        half.Add(rows.AsSpan(0, block * d), block);
        var restored = SubspaceAccumulator.FromGram(half.Gram(), d, half.Count);
        restored.Add(rows.AsSpan(block * d), block);
        Assert.Equal(whole.Gram(), restored.Gram());
        Assert.Equal(2 * block, restored.Count);
        Assert.Throws<EscException>(() => SubspaceAccumulator.FromGram([1, 2, 3, 4], 2, 1));
        Assert.Throws<EscException>(() => SubspaceAccumulator.FromGram([double.NaN], 1, 1));
        Assert.Throws<UsageException>(() => SubspaceAccumulator.FromGram([1, 2, 3], 2, 1));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_feature_that_is_not_finite_is_bad_input_and_adds_nothing(float bad)
    {
        foreach (var at in (int[])[0, 5 * 7 + 2, 600 * 7 - 1])
        {
            var accumulator = new SubspaceAccumulator(7);
            accumulator.Add(Features.Uniform(10, 7, _random), 10);
            var before = accumulator.Gram();
            var rows = Features.Uniform(600, 7, _random);
            rows[at] = bad;
            var e = Assert.Throws<EscException>(() => accumulator.Add(rows, 600));
            Assert.Equal(ErrorCode.BadInput, e.Code);
            Assert.Contains($"row {10 + at / 7}, column {at % 7}", e.Message, StringComparison.Ordinal);
            Assert.Equal(10, accumulator.Count);
            Assert.Equal(before, accumulator.Gram());
        }
    }

    [Fact]
    public void The_largest_floats_are_finite()
    {
        var accumulator = new SubspaceAccumulator(4);
        accumulator.Add([float.MaxValue, float.MinValue, float.Epsilon, 0], 1);
        Assert.Equal((double)float.MaxValue * float.MaxValue, accumulator.Gram()[0]);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_usage_errors()
    {
        var accumulator = new SubspaceAccumulator(4);
        Assert.Throws<UsageException>(() => accumulator.Add(new float[7], 2));
        Assert.Throws<UsageException>(() => accumulator.Add([], -1));
        Assert.Throws<UsageException>(() => accumulator.Merge(accumulator));
        Assert.Throws<UsageException>(() => accumulator.Merge(new SubspaceAccumulator(5)));
        Assert.Throws<UsageException>(() => new SubspaceAccumulator(0));
    }
}
