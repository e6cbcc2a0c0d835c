using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.LinearAlgebra;

public sealed unsafe class HouseholderQrTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(5, 40)]
    [InlineData(33, 97)]
    [InlineData(70, 200)]
    public void Spans_what_came_in(int count, int length)
    {
        var given = Matrices.Random(count, length, _random);
        using var rows = new GuardedBuffer<double>(given);
        HouseholderQr.Orthonormalise(count, length, rows.Pointer, length);
        rows.AssertIntact();
        var q = Matrices.Transpose(rows.Span.ToArray(), count, length);
        var tolerance = 4 * Math.Max(8, length) * Matrices.Epsilon;
        Assert.True(Matrices.OrthogonalityError(q, length, count) <= tolerance, $"seed {Seed}");
        Assert.Equal(Matrices.OrthogonalityError(q, length, count), HouseholderQr.OrthogonalityError(count, length, rows.Pointer, length), 1e-14);
        // The first j rows span the first j vectors, and R's diagonal is positive.
        for (var j = 0; j < count; j++)
        {
            var v = given.AsSpan(j * length, length).ToArray();
            Assert.True(Matrices.Dot(v, rows.Span.Slice(j * length, length)) > 0, $"sign of {j}, seed {Seed}");
            for (var i = 0; i <= j; i++)
            {
                var qi = rows.Span.Slice(i * length, length);
                var dot = Matrices.Dot(v, qi);
                for (var k = 0; k < length; k++)
                    v[k] -= dot * qi[k];
            }

            Assert.True(Math.Sqrt(Matrices.Dot(v, v)) <= tolerance * Math.Sqrt(length), $"span of {j}, seed {Seed}");
        }
    }

    [Fact]
    public void Orthonormal_rows_come_back_unchanged()
    {
        var q = Matrices.Transpose(Matrices.Orthonormal(50, 12, _random), 50, 12);
        var rows = (double[])q.Clone();
        fixed (double* r = rows)
            HouseholderQr.Orthonormalise(12, 50, r, 50);
        Assert.True(Matrices.Distance(q, rows) <= 1e-13, $"seed {Seed}");
    }

    [Fact]
    public void Dependent_and_zero_vectors_are_replaced()
    {
        const int n = 20;
        var rows = new double[4 * n];
        for (var i = 0; i < n; i++)
            rows[i] = rows[n + i] = i + 1;
        fixed (double* r = rows)
            HouseholderQr.Orthonormalise(4, n, r, n);
        Assert.True(Matrices.OrthogonalityError(Matrices.Transpose(rows, 4, n), n, 4) <= 1e-14);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    public void Completes_a_basis_and_leaves_its_rows_alone(int have)
    {
        const int n = 67;
        var rows = new double[n * n];
        var start = Matrices.Transpose(Matrices.Orthonormal(n, have, _random), n, have);
        start.CopyTo(rows, 0);
        fixed (double* r = rows)
            HouseholderQr.Complete(have, n, n, r, n);
        Assert.Equal(start, rows[..start.Length]);
        Assert.True(Matrices.OrthogonalityError(Matrices.Transpose(rows, n, n), n, n) <= 4 * n * Matrices.Epsilon, $"seed {Seed}");
    }

    [Fact]
    public void More_vectors_than_dimensions_is_a_usage_error()
    {
        var rows = new double[12];
        Assert.Throws<UsageException>(() =>
        {
            fixed (double* r = rows)
                HouseholderQr.Orthonormalise(4, 3, r, 3);
        });
    }
}
