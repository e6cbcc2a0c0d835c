using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class CholeskyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    public void A_solution_gives_the_right_side_back(int n)
    {
        var random = new Random(n);
        var root = Enumerable.Range(0, n * n).Select(_ => random.NextDouble() - 0.5).ToArray();
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                a[(i * n) + j] = i == j ? 0.1 : 0;
                for (var k = 0; k < n; k++)
                    a[(i * n) + j] += root[(i * n) + k] * root[(j * n) + k];
            }
        }

        var right = Enumerable.Range(0, n).Select(_ => random.NextDouble()).ToArray();
        var (factor, x) = ((double[])a.Clone(), (double[])right.Clone());
        Assert.True(Cholesky.Factor(factor, n));
        Cholesky.Solve(factor, n, x);
        for (var i = 0; i < n; i++)
        {
            var sum = 0.0;
            for (var j = 0; j < n; j++)
                sum += a[(i * n) + j] * x[j];
            // The condition number is below 1e3, so 1e-12 leaves room.
            Assert.Equal(right[i], sum, 1e-12);
        }
    }

    [Fact]
    public void An_indefinite_matrix_is_refused()
    {
        Assert.False(Cholesky.Factor([1, 2, 2, 1], 2));
        Assert.False(Cholesky.Factor([0], 1));
        Assert.False(Cholesky.Factor([double.NaN], 1));
    }
}
