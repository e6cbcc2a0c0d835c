using System.Numerics;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Products against loops in double, with gaps between rows and guards around C.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class GemmTests
{
    private static readonly int Seed = Environment.TickCount & 0xFFFF;

    // Empty, one, every edge of the tiles (12 x 32, 6 x 16, 8 x 16 ...), narrow, vectors, and above each threshold.
    private static readonly (int M, int N, int K)[] Sizes =
    [
        (0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1), (1, 1, 700), (2, 3, 5), (7, 9, 11), (12, 32, 64), (13, 33, 65), (8, 16, 1), (9, 17, 31),
        (64, 10, 96), (64, 96, 10), (10, 96, 64), (5, 128, 7), (1, 37, 53), (37, 1, 53), (1, 1000, 600), (600, 1, 1000), (37, 53, 71),
        (65, 65, 65), (100, 100, 300), (131, 70, 600), (97, 205, 1), (300, 65, 130), (20, 700, 90), (700, 12, 90),
    ];

    public static TheoryData<int, int, int, bool, bool> Cases()
    {
        var data = new TheoryData<int, int, int, bool, bool>();
        foreach (var (m, n, k) in Sizes)
        {
            for (var transposes = 0; transposes < 4; transposes++)
                data.Add(m, n, k, (transposes & 1) != 0, (transposes & 2) != 0);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_product_equals_the_oracle(int m, int n, int k, bool transposeA, bool transposeB)
    {
        foreach (var accumulate in new[] { false, true })
        {
            Check<float>(m, n, k, transposeA, transposeB, accumulate, gap: 0);
            Check<float>(m, n, k, transposeA, transposeB, accumulate, gap: 3);
            Check<double>(m, n, k, transposeA, transposeB, accumulate, gap: 3);
        }
    }

    [Fact]
    public void A_large_product_equals_the_oracle()
    {
        // Two blocks of k and of m, several tasks, an odd edge everywhere.
        Check<float>(421, 333, 719, false, false, accumulate: false, gap: 5);
        Check<float>(421, 333, 719, true, true, accumulate: true, gap: 0);
        Check<double>(211, 333, 719, true, false, accumulate: false, gap: 1);
        // More than one block of columns.
        Check<float>(33, 4500, 600, false, true, accumulate: false, gap: 0);
    }

    [Theory]
    [InlineData(421, 333, 719)]
    [InlineData(2000, 40, 300)]
    [InlineData(1, 2000, 1500)]
    [InlineData(2000, 1, 1500)]
    public void Results_are_equal_bit_for_bit_for_any_number_of_threads(int m, int n, int k)
    {
        var random = new Random(Seed);
        using var a = Matrix<float>(random, m, k, k);
        using var b = Matrix<float>(random, k, n, n);
        byte[]? expected = null;
        CpuThreads.ForEach([1, 2, 3, 8, 2], threads =>
        {
            using var c = new GuardedBuffer<float>((long)m * n);
            Gemm.Multiply(m, n, k, a.Pointer, k, false, b.Pointer, n, false, c.Pointer, n, false);
            c.AssertIntact();
            var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(c.Span).ToArray();
            Assert.True(bytes.AsSpan().SequenceEqual(expected ??= bytes), $"{threads} threads, seed {Seed}");
        });
    }

    [Theory]
    [InlineData(3, 5, 7, 11)]
    [InlineData(12, 33, 40, 17)]
    [InlineData(2, 130, 130, 130)]
    [InlineData(40, 65, 65, 65)]
    [InlineData(0, 4, 4, 4)]
    public void A_batch_equals_its_products_and_may_share_an_operand(int batch, int m, int n, int k)
    {
        var random = new Random(Seed);
        using var a = Matrix<float>(random, Math.Max(batch, 1) * m, k, k);
        using var b = Matrix<float>(random, k, n, n);
        using var together = new GuardedBuffer<float>((long)batch * m * n);
        using var single = new GuardedBuffer<float>((long)m * n);
        Gemm.MultiplyBatched(
            batch, m, n, k, a.Pointer, k, (nint)m * k, false, b.Pointer, n, 0, false, together.Pointer, n, (nint)m * n, false);
        together.AssertIntact();
        for (var i = 0; i < batch; i++)
        {
            Gemm.Multiply(m, n, k, a.Pointer + i * m * k, k, false, b.Pointer, n, false, single.Pointer, n, false);
            Assert.True(single.Span.SequenceEqual(together.Span.Slice(i * m * n, m * n)), $"product {i}, seed {Seed}");
        }
    }

    [Fact]
    public void A_batch_in_double_takes_transposes_and_accumulates()
    {
        const int Batch = 5, M = 9, N = 14, K = 6;
        var random = new Random(Seed);
        using var a = Matrix<double>(random, Batch * K, M, M);
        using var b = Matrix<double>(random, Batch * N, K, K);
        using var c = new GuardedBuffer<double>(Batch * M * N);
        c.Span.Fill(1);
        Gemm.MultiplyBatched(Batch, M, N, K, a.Pointer, M, K * M, true, b.Pointer, K, N * K, true, c.Pointer, N, M * N, true);
        c.AssertIntact();
        for (var i = 0; i < Batch; i++)
            AssertProduct(M, N, K, a.Pointer + i * K * M, M, true, b.Pointer + i * N * K, K, true, c.Pointer + i * M * N, N, start: 1);
    }

    private static void Check<T>(int m, int n, int k, bool transposeA, bool transposeB, bool accumulate, int gap)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var random = new Random(Seed);
        int lda = (transposeA ? m : k) + gap, ldb = (transposeB ? k : n) + gap, ldc = n + gap;
        using var a = Matrix<T>(random, transposeA ? k : m, transposeA ? m : k, lda);
        using var b = Matrix<T>(random, transposeB ? n : k, transposeB ? k : n, ldb);
        using var c = new GuardedBuffer<T>((long)m * ldc);
        if (accumulate)
            c.Span.Fill(T.CreateChecked(0.5));
        if (typeof(T) == typeof(float))
            Gemm.Multiply(m, n, k, (float*)a.Pointer, lda, transposeA, (float*)b.Pointer, ldb, transposeB, (float*)c.Pointer, ldc, accumulate);
        else
            Gemm.Multiply(m, n, k, (double*)a.Pointer, lda, transposeA, (double*)b.Pointer, ldb, transposeB, (double*)c.Pointer, ldc, accumulate);
        c.AssertIntact();
        AssertProduct(m, n, k, a.Pointer, lda, transposeA, b.Pointer, ldb, transposeB, c.Pointer, ldc, accumulate ? 0.5 : 0);
        for (var i = 0; i < m; i++)
        {
            foreach (var value in c.Span.Slice(i * ldc + n, gap))
                Assert.True(accumulate ? value == T.CreateChecked(0.5) : T.IsNaN(value), $"written between rows, {m} x {n} x {k}");
        }
    }

    private static void AssertProduct<T>(
        int m, int n, int k, T* a, int lda, bool transposeA, T* b, int ldb, bool transposeB, T* c, int ldc, double start)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // k + 1 roundings of sums that grow like sqrt(k), since |a|, |b| <= 1; 12 for the worst of many values, and for the
        // oracle's own roundings where it is no more precise. A forgotten product would be off by some 0.3.
        var epsilon = typeof(T) == typeof(float) ? Math.Pow(2, -24) : Math.Pow(2, -53);
        var tolerance = 12 * Math.Sqrt(k + 1) * Math.Max(1, Math.Sqrt(k) / 3) * epsilon;
        var row = new double[n];
        for (var i = 0; i < m; i++)
        {
            Array.Fill(row, start);
            for (var p = 0; p < k; p++)
            {
                var x = double.CreateChecked(transposeA ? a[p * lda + i] : a[i * lda + p]);
                for (var j = 0; j < n; j++)
                    row[j] += x * double.CreateChecked(transposeB ? b[j * ldb + p] : b[p * ldb + j]);
            }

            for (var j = 0; j < n; j++)
            {
                var got = double.CreateChecked(c[i * ldc + j]);
                if (!(Math.Abs(got - row[j]) <= tolerance))
                    Assert.Fail($"{typeof(T).Name} [{i}, {j}] of {m} x {n} x {k}: {got}, wants {row[j]} +- {tolerance}; seed {Seed}");
            }
        }
    }

    private static GuardedBuffer<T> Matrix<T>(Random random, int rows, int columns, int stride)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var matrix = new GuardedBuffer<T>((long)rows * stride);
        for (var i = 0; i < rows; i++)
        {
            // What lies between the rows stays NaN.
            foreach (ref var value in matrix.Span.Slice(i * stride, columns))
                value = T.CreateChecked(2 * random.NextDouble() - 1);
        }

        return matrix;
    }
}
