using EscNative.Kernels.Cuda;
using EscNative.Tests.LinearAlgebra;

namespace EscNative.Tests.Cuda;

/// <summary>The pieces of the subspace iteration against plain float64 loops.</summary>
public sealed class SubspaceKernelTests
{
    private const int Seed = 51;

    // (rows, depth, directions): around tiles of 16 x 32, slices of 64, and the 64 directions whose Cholesky fits shared memory.
    private static readonly (int M, int L, int B)[] Sizes = [(1, 1, 1), (5, 7, 3), (40, 40, 17), (130, 130, 33), (75, 200, 70)];

    private readonly Random _random = new(Seed);

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Products(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new SubspaceKernels(machine.Context);
        foreach (var (m, l, b) in Sizes)
        {
            double[] g = Matrices.Random(m, l, _random), x = Matrices.Random(l, b, _random), y = Matrices.Random(l, b, _random);
            nint py = machine.Allocate<double>(m * b), px = machine.Upload(x), ph = machine.Allocate<double>(b * b);
            kernels.Multiply(machine.Upload(g), px, py, m, l, b);
            DType.F64.AssertClose(Matrices.Multiply(g, x, m, l, b), machine.Download<double>(py, m * b), 4, l, $"product {m} x {l} x {b}", scale: Math.Sqrt(l));
            // A power of two: not a bit is lost.
            var scaled = machine.Allocate<double>(m * b);
            kernels.Multiply(machine.Upload(g), px, scaled, m, l, b, 0.25);
            Assert.Equal(machine.Download<double>(py, m * b).Select(v => v / 4), machine.Download<double>(scaled, m * b));
            kernels.Inner(px, machine.Upload(y), ph, l, b);
            DType.F64.AssertClose(
                Matrices.Multiply(Matrices.Transpose(x, l, b), y, b, l, b), machine.Download<double>(ph, b * b), 4, l, $"inner products {l} x {b}", scale: Math.Sqrt(l));

            var diagonal = machine.Allocate<double>(b);
            kernels.Diagonal(ph, diagonal, b);
            Assert.Equal(Enumerable.Range(0, b).Select(j => machine.Download<double>(ph, b * b)[j * (b + 1)]), machine.Download<double>(diagonal, b));

            var values = Matrices.Random(1, b, _random);
            var squares = machine.Allocate<double>(b);
            kernels.Residual(px, machine.Upload(y), machine.Upload(values), squares, l, b);
            var wanted = Enumerable.Range(0, b).Select(j => Enumerable.Range(0, l).Sum(i => Math.Pow(y[i * b + j] - (values[j] * x[i * b + j]), 2))).ToArray();
            DType.F64.AssertClose(wanted, machine.Download<double>(squares, b), 4, l, $"residuals {l} x {b}");
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Cholesky_twice_orthonormalises(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new SubspaceKernels(machine.Context);
        foreach (var (m, _, b) in Sizes)
        {
            // Columns of very different length, and close to each other: a condition of some 1e6. The first pass magnifies rounding by its
            // square, and so what two machines differ by after it.
            const double squaredCondition = 1e12;
            var q = Matrices.Random(m, b, _random);
            for (var i = 0; i < m; i++)
            {
                for (var j = 1; j < b; j++)
                    q[i * b + j] = Math.ScaleB(q[i * b] + (1e-6 * q[i * b + j]), j % 40);
            }

            nint pq = machine.Upload(q), h = machine.Allocate<double>(b * b), info = machine.Upload([0]);
            for (var pass = 0; pass < 2; pass++)
            {
                kernels.Inner(pq, pq, h, m, b);
                var size = pass == 0 ? 0 : squaredCondition;
                var before = machine.Download<double>(h, b * b, size);
                kernels.Cholesky(h, b, 1e-15, info);
                // R has what is left of a column: its rounding is that of the longest one, magnified by the condition.
                var r = machine.Download<double>(h, b * b, pass == 0 ? 1e6 * Math.Sqrt(before.Max()) : squaredCondition);
                Assert.Equal(0, machine.Download<int>(info, 1)[0]);
                var product = Matrices.Multiply(Matrices.Transpose(r, b, b), r, b, b, b);
                for (var i = 0; i < b * b; i++)
                    Assert.True(Math.Abs(product[i] - before[i]) <= 8 * b * Matrices.Epsilon * Math.Sqrt(before[i / b * (b + 1)] * before[i % b * (b + 1)]), $"{m} x {b}, pass {pass}: entry {i}");
                for (var i = 0; i < b * b; i++)
                    Assert.True(i / b <= i % b || r[i] == 0, "R has a value below its diagonal");
                kernels.Solve(h, pq, m, b);
            }

            var got = machine.Download<double>(pq, m * b, squaredCondition);
            var error = Matrices.Distance(Matrices.Identity(b), Matrices.Multiply(Matrices.Transpose(got, m, b), got, b, m, b));
            Assert.True(error <= 4 * b * Matrices.Epsilon, $"{m} x {b}: orthogonal to {error}");
            // The span is that of the columns: nothing of them lies outside.
            var rest = Matrices.Multiply(Matrices.Complement(got, m, b), q, m, m, b);
            for (var j = 0; j < b; j++)
            {
                var norm = Math.Sqrt(Enumerable.Range(0, m).Sum(i => q[i * b + j] * q[i * b + j]));
                Assert.True(Enumerable.Range(0, m).All(i => Math.Abs(rest[i * b + j]) <= 1e-14 * norm), $"{m} x {b}: column {j} left the span");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_column_in_the_span_of_others_is_reported_and_kept(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new SubspaceKernels(machine.Context);
        foreach (var (m, b) in ((int, int)[])[(30, 5), (200, 70)])
        {
            var q = Matrices.Random(m, b, _random);
            for (var i = 0; i < m; i++)
                q[i * b + b - 2] = q[i * b] - q[i * b + 1];
            nint pq = machine.Upload(q), h = machine.Allocate<double>(b * b), info = machine.Upload([0]);
            kernels.Inner(pq, pq, h, m, b);
            kernels.Cholesky(h, b, 1e-13, info);
            Assert.Equal(b - 1, machine.Download<int>(info, 1)[0]);
            Assert.Equal(Matrices.Identity(b), machine.Download<double>(h, b * b));

            // Another failure does not hide the first; NaN fails too.
            var nan = machine.Upload([double.NaN]);
            kernels.Cholesky(nan, 1, 1e-13, info);
            Assert.Equal(b - 1, machine.Download<int>(info, 1)[0]);
            var fresh = machine.Upload([0]);
            kernels.Cholesky(machine.Upload([double.NaN]), 1, 1e-13, fresh);
            Assert.Equal(1, machine.Download<int>(fresh, 1)[0]);
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Rows_widen_plain_and_transposed(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new SubspaceKernels(machine.Context);
        foreach (var (n, d) in ((int, int)[])[(0, 3), (1, 1), (33, 31), (70, 5)])
        {
            foreach (var type in DeviceValues.Types)
            {
                var z = type.Round(DeviceValues.Random(_random, n * d));
                nint pz = machine.Upload(type, z), y = machine.Allocate<double>(n * d);
                kernels.Widen(type, pz, y, n, d, false);
                Assert.Equal(z, machine.Download<double>(y, n * d));
                kernels.Widen(type, pz, y, n, d, true);
                Assert.Equal(Matrices.Transpose(z, n, d), machine.Download<double>(y, n * d));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_start_is_fixed(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int d = 70, b = 9;
        var q = machine.Allocate<double>(d * b);
        new SubspaceKernels(machine.Context).Start(q, d, b);
        var got = machine.Download<double>(q, d * b);
        for (var j = 0; j < b; j++)
        {
            for (var i = 0; i < d; i++)
            {
                var z = (ulong)((j * d) + i + 1) * 0x9E3779B97F4A7C15UL;
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
                Assert.Equal((long)(z ^ (z >> 31)) * Math.ScaleB(1, -63), got[i * b + j]);
            }
        }
    }

    [Fact]
    public void Blocks_that_are_too_wide_are_refused()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        var kernels = new SubspaceKernels(machine.Context);
        Assert.Throws<UsageException>(() => kernels.Cholesky(1, SubspaceKernels.MostDirections + 1, 0, 1));
        Assert.Throws<UsageException>(() => kernels.Solve(1, 1, 10, SubspaceKernels.MostDirections + 1));
    }
}
