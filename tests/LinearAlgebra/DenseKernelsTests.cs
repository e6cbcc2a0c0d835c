using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.LinearAlgebra;

/// <summary>The inner loops against plain loops, at every remainder of the register width, between guard zones.</summary>
public sealed unsafe class DenseKernelsTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    public static TheoryData<int> Lengths => [.. Enumerable.Range(0, 35), 64, 71];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Products_and_sums_of_rows(int n)
    {
        foreach (var rows in (int[])[0, 1, 3, 4, 6, 9])
        {
            var lda = n + 3;
            var a = Matrices.Random(rows, lda, _random);
            var x = Matrices.Random(1, n, _random);
            var c = Matrices.Random(1, rows, _random);
            using var dots = new GuardedBuffer<double>(rows);
            using var sum = new GuardedBuffer<double>(x);
            fixed (double* pa = a, px = x, pc = c)
            {
                DenseKernels.DotRows(rows, n, pa, lda, px, dots.Pointer);
                DenseKernels.AddRows(rows, n, pa, lda, pc, sum.Pointer);
            }

            dots.AssertIntact();
            sum.AssertIntact();
            for (var r = 0; r < rows; r++)
                Near(Matrices.Dot(a.AsSpan(r * lda, n), x), dots.Span[r], n);
            for (var i = 0; i < n; i++)
                Near(x[i] + Enumerable.Range(0, rows).Sum(r => c[r] * a[r * lda + i]), sum.Span[i], rows);
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Pairs_of_vectors(int n)
    {
        double[] x = Matrices.Random(1, n, _random), y = Matrices.Random(1, n, _random);
        const double angle = 0.3;
        double c = Math.Cos(angle), s = Math.Sin(angle);
        using var gx = new GuardedBuffer<double>(x);
        using var gy = new GuardedBuffer<double>(y);
        DenseKernels.Dot3(n, gx.Pointer, gy.Pointer, out var xx, out var yy, out var xy);
        Near(Matrices.Dot(x, x), xx, n);
        Near(Matrices.Dot(y, y), yy, n);
        Near(Matrices.Dot(x, y), xy, n);
        Near(xy, DenseKernels.Dot(n, gx.Pointer, gy.Pointer), n);
        DenseKernels.Rotate(n, gx.Pointer, gy.Pointer, s, s / (1 + c));
        gx.AssertIntact();
        gy.AssertIntact();
        for (var i = 0; i < n; i++)
        {
            Near(c * x[i] - s * y[i], gx.Span[i], 1);
            Near(s * x[i] + c * y[i], gy.Span[i], 1);
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void The_symmetric_product_reads_the_lower_triangle_alone(int n)
    {
        var lda = n + 2;
        var a = Matrices.Random(n, lda, _random);
        for (var i = 0; i < n; i++)
            a.AsSpan(i * lda + i + 1, lda - i - 1).Fill(double.NaN);
        var x = Matrices.Random(1, n, _random);
        // Two shares, as two tiles compute them.
        var middle = n / 2 & ~3;
        using var head = new GuardedBuffer<double>(middle);
        using var tail = new GuardedBuffer<double>(n);
        fixed (double* pa = a, px = x)
        {
            DenseKernels.SymmetricRows(0, middle, pa, lda, px, head.Pointer);
            DenseKernels.SymmetricRows(middle, n, pa, lda, px, tail.Pointer);
        }

        head.AssertIntact();
        tail.AssertIntact();
        for (var i = 0; i < n; i++)
        {
            double wanted = 0;
            for (var j = 0; j < n; j++)
                wanted += (j <= i ? a[i * lda + j] : a[j * lda + i]) * x[j];
            Near(wanted, tail.Span[i] + (i < middle ? head.Span[i] : 0), n);
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(2, 3)]
    [InlineData(1, 9)]
    public void Two_sweeps_of_rotations_equal_one_after_the_other(int low, int high)
    {
        const int rows = 11;
        var width = DenseKernels.StripWidth;
        var z = Matrices.Random(rows, width, _random);
        var sweeps = new double[2][];
        for (var s = 0; s < 2; s++)
        {
            sweeps[s] = new double[2 * rows];
            for (var i = 0; i < rows; i++)
                (sweeps[s][2 * i], sweeps[s][2 * i + 1]) = Math.SinCos(_random.NextDouble());
        }

        using var strip = new GuardedBuffer<double>(z);
        fixed (double* first = sweeps[0], second = sweeps[1])
            DenseKernels.SweepPair(low, high, strip.Pointer, first, second);
        strip.AssertIntact();
        foreach (var sweep in sweeps)
        {
            for (var i = high - 1; i >= low; i--)
            {
                for (var k = 0; k < width; k++)
                {
                    double f = z[(i + 1) * width + k], h = z[i * width + k];
                    z[(i + 1) * width + k] = sweep[2 * i + 1] * h + sweep[2 * i] * f;
                    z[i * width + k] = sweep[2 * i] * h - sweep[2 * i + 1] * f;
                }
            }
        }

        for (var i = 0; i < z.Length; i++)
            Near(z[i], strip.Span[i], high - low);
    }

    // Terms of magnitude up to 1: the error of a sum of n of them is below 2 n 2^-52.
    private static void Near(double wanted, double got, int terms) => Assert.True(
        Math.Abs(wanted - got) <= 2 * (terms + 2) * Matrices.Epsilon, $"wanted {wanted:R}, got {got:R}, seed {Seed}");
}
