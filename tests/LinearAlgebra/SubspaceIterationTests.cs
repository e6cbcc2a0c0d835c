using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.LinearAlgebra;

public sealed class SubspaceIterationTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    [Theory]
    [InlineData(40, 1)]
    [InlineData(96, 9)]
    [InlineData(161, 7)]
    public void Finds_the_leading_subspace(int n, int k)
    {
        var values = Enumerable.Range(1, n).Select(i => 1.0 / (i * i)).ToArray();
        var g = Matrices.WithSpectrum(values, _random);
        var top = SubspaceIteration.Find(g, n, k);
        var all = SymmetricEigen.Decompose(g, n);

        Assert.True(top.Converged);
        Assert.Null(top.FullDecomposition);
        Assert.InRange(top.Iterations, 1, 60);
        Assert.InRange(top.Residual, 0, 1e-13);
        Assert.InRange(top.Orthogonality, 0, 1e-14);
        // residual / gap, in units of the largest value
        var gap = values[k - 1] - values[k];
        var distance = Matrices.Distance(Matrices.Projector(top.Vectors, n, k, k), Matrices.Projector(all.Vectors, n, n, k));
        Assert.True(distance <= 4 * (1e-13 + n * Matrices.Epsilon) / gap, $"projectors differ by {distance}, seed {Seed}");
        for (var j = 0; j < k; j++)
            Assert.Equal(all.Values[j], top.Values[j], 1e-13);
        Assert.Equal(all.Values[k], top.NextValue, 1e-3);
    }

    [Fact]
    public void The_certificate_is_true()
    {
        const int n = 80, k = 4;
        var g = Matrices.WithSpectrum([.. Enumerable.Range(1, n).Select(i => 1.0 / i)], _random);
        var top = SubspaceIteration.Find(g, n, k, new SubspaceIterationOptions { MaxIterations = 3, FallBack = false });
        Assert.False(top.Converged);
        var image = Matrices.Multiply(g, top.Vectors, n, n, k);
        double largest = 0;
        for (var j = 0; j < k; j++)
        {
            double sum = 0;
            for (var i = 0; i < n; i++)
                sum += Math.Pow(image[i * k + j] - top.Values[j] * top.Vectors[i * k + j], 2);
            largest = Math.Max(largest, Math.Sqrt(sum) / top.Values[0]);
        }

        Assert.True(largest > 1e-6, "three iterations cannot have converged");
        Assert.Equal(largest, top.Residual, 1e-13);
    }

    [Fact]
    public void A_flat_spectrum_falls_back_to_the_full_decomposition_and_says_so()
    {
        const int n = 200, k = 5;
        var values = Enumerable.Range(0, n).Select(i => 1 - 1e-4 * i).ToArray();
        var g = Matrices.WithSpectrum(values, _random);
        var top = SubspaceIteration.Find(g, n, k);
        Assert.NotNull(top.FullDecomposition);
        Assert.InRange(top.Iterations, 1, 99);
        Assert.InRange(top.Residual, 0, 1e-13);
        for (var j = 0; j < k; j++)
            Assert.Equal(values[j], top.Values[j], 1e-12);
        Assert.Equal(values[k], top.NextValue, 1e-12);
    }

    [Fact]
    public void Equal_leading_values_converge_to_their_space()
    {
        const int n = 100;
        var values = Enumerable.Range(0, n).Select(i => i < 3 ? 1 : 0.01 / (i + 1)).ToArray();
        var g = Matrices.WithSpectrum(values, _random);
        var top = SubspaceIteration.Find(g, n, 3);
        var all = SymmetricEigen.Decompose(g, n);
        Assert.True(Matrices.Distance(Matrices.Projector(top.Vectors, n, 3, 3), Matrices.Projector(all.Vectors, n, n, 3)) <= 1e-12, $"seed {Seed}");
    }

    [Theory]
    [InlineData(1e-200)]
    [InlineData(1e200)]
    public void Scale_does_not_matter(double scale)
    {
        const int n = 60;
        var g = Matrices.WithSpectrum([.. Enumerable.Range(1, n).Select(i => scale / (i * i))], _random);
        var top = SubspaceIteration.Find(g, n, 2);
        Assert.True(top.Converged);
        Assert.Equal(1, top.Values[0] / scale, 1e-12);
        Assert.Equal(0.25, top.Values[1] / scale, 1e-12);
    }

    [Fact]
    public void A_zero_matrix_and_the_whole_space_work()
    {
        var zero = SubspaceIteration.Find(new double[900], 30, 2);
        Assert.Equal(new double[2], zero.Values);
        Assert.InRange(zero.Orthogonality, 0, 1e-14);

        var whole = SubspaceIteration.Find(Matrices.Identity(12), 12, 12);
        Assert.Equal(0, whole.Iterations);
        Assert.NotNull(whole.FullDecomposition);
        Assert.True(double.IsNaN(whole.NextValue));
    }

    [Fact]
    public void The_bits_do_not_depend_on_the_threads()
    {
        const int n = 300;
        var values = Enumerable.Range(1, n).Select(i => 1.0 / (i * i)).ToArray();
        var g = Matrices.WithSpectrum(values, _random);
        Threads.AssertSameBits(() => SubspaceIteration.Find(g, n, 6).Vectors);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void K_out_of_range_is_a_usage_error(int k) =>
        Assert.Throws<UsageException>(() => SubspaceIteration.Find(Matrices.Identity(5), 5, k));

    [Fact]
    public void A_value_that_is_not_finite_is_bad_input()
    {
        var g = Matrices.Identity(5);
        g[7] = double.NaN;
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => SubspaceIteration.Find(g, 5, 1)).Code);
    }
}
