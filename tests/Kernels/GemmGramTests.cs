using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

[Collection(CpuThreads.Collection)]
public sealed unsafe class GemmGramTests
{
    private static readonly int Seed = Environment.TickCount & 0xFFFF;

    [Theory]
    [InlineData(0, 5, 0)]
    [InlineData(5, 0, 0)]
    [InlineData(1, 1, 0)]
    [InlineData(3, 7, 2)]
    [InlineData(129, 24, 0)]
    [InlineData(300, 25, 1)]
    [InlineData(257, 96, 0)]
    [InlineData(100, 211, 3)]
    // More rows than one chunk holds.
    [InlineData(20000, 73, 0)]
    public void A_gram_matrix_equals_the_oracle(int n, int d, int gap)
    {
        var random = new Random(Seed);
        var stride = d + gap;
        using var x = new GuardedBuffer<float>((long)n * stride);
        using var xWide = new GuardedBuffer<double>((long)n * stride);
        for (var i = 0; i < n * stride; i++)
        {
            x.Span[i] = i % stride < d ? random.NextSingle() - 0.3f : float.NaN;
            xWide.Span[i] = x.Span[i];
        }

        var expected = Oracle(n, d, x, stride);
        // Products of floats are exact in double; the sums are rounded n times in another order.
        var tolerance = 8 * Math.Sqrt(n + 1) * Math.Max(1, n / 8.0) * Math.Pow(2, -53);
        foreach (var wide in new[] { false, true })
        {
            using var gram = new GuardedBuffer<double>((long)d * d);
            for (var i = 0; i < d * d; i++)
                gram.Span[i] = 2;
            if (wide)
                Gemm.GramF64(n, d, xWide.Pointer, stride, gram.Pointer);
            else
                Gemm.GramF64(n, d, x.Pointer, stride, gram.Pointer);
            gram.AssertIntact();
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                {
                    var (got, want) = (gram.Span[i * d + j], 2 + expected[Math.Min(i, j) * d + Math.Max(i, j)]);
                    Assert.True(Math.Abs(got - want) <= tolerance, $"[{i}, {j}] of {n} x {d}, wide {wide}: {got}, wants {want}; seed {Seed}");
                }
            }
        }
    }

    [Theory]
    [InlineData(1000, 96)]
    [InlineData(300, 300)]
    public void A_gram_matrix_is_equal_bit_for_bit_for_any_number_of_threads(int n, int d)
    {
        var random = new Random(Seed);
        using var x = new GuardedBuffer<float>((long)n * d);
        foreach (ref var value in x.Span)
            value = random.NextSingle();
        double[]? expected = null;
        CpuThreads.ForEach([1, 2, 3, 8, 64, 2], threads =>
        {
            using var gram = new GuardedBuffer<double>((long)d * d);
            gram.Span.Clear();
            Gemm.GramF64(n, d, x.Pointer, d, gram.Pointer);
            var values = gram.Span.ToArray();
            Assert.True(values.AsSpan().SequenceEqual(expected ??= values), $"{threads} threads, seed {Seed}");
        });
    }

    // The upper triangle.
    private static double[] Oracle(int n, int d, GuardedBuffer<float> x, int stride)
    {
        var gram = new double[d * d];
        for (var p = 0; p < n; p++)
        {
            var row = x.Pointer + p * stride;
            for (var i = 0; i < d; i++)
            {
                double value = row[i];
                for (var j = i; j < d; j++)
                    gram[i * d + j] += value * row[j];
            }
        }

        return gram;
    }
}
