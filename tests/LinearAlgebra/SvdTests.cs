using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.LinearAlgebra;

public sealed class SvdTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    public static TheoryData<int, int, int> Shapes => new()
    {
        { 0, 0, 0 }, { 0, 5, 0 }, { 5, 0, 0 }, { 1, 1, 1 }, { 1, 7, 1 }, { 7, 1, 1 }, { 5, 3, 3 }, { 3, 5, 3 }, { 33, 33, 33 },
        { 50, 96, 50 }, { 200, 96, 96 }, { 200, 96, 40 }, { 64, 200, 10 }, { 7, 7, 0 }, { 9, 4, 1 }, { 150, 131, 131 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Reconstructs_with_orthonormal_factors(int rows, int columns, int rank)
    {
        var a = Matrices.Multiply(Matrices.Random(rows, rank, _random), Matrices.Random(rank, columns, _random), rows, rank, columns);
        foreach (var vectors in (SvdVectors[])[SvdVectors.Both, SvdVectors.Both | SvdVectors.Full])
        {
            var svd = Svd.Decompose(a, rows, columns, vectors);
            var small = Math.Min(rows, columns);
            Assert.Equal(small, svd.Values.Length);
            Assert.Equal(vectors.HasFlag(SvdVectors.Full) ? rows : small, svd.LeftCount);
            Assert.Equal(vectors.HasFlag(SvdVectors.Full) ? columns : small, svd.RightCount);

            // One-sided Jacobi: 10 to 12 sweeps, so a small multiple of the dimension times 2^-52.
            var tolerance = 4 * Math.Max(8, Math.Max(rows, columns)) * Matrices.Epsilon;
            Assert.True(Matrices.OrthogonalityError(svd.Left, rows, svd.LeftCount) <= tolerance, $"left, seed {Seed}");
            Assert.True(Matrices.OrthogonalityError(svd.Right, columns, svd.RightCount) <= tolerance, $"right, seed {Seed}");
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns; j++)
                {
                    double sum = 0;
                    for (var k = 0; k < small; k++)
                        sum += svd.Left[i * svd.LeftCount + k] * svd.Values[k] * svd.Right[j * svd.RightCount + k];
                    Assert.True(Math.Abs(sum - a[i * columns + j]) <= tolerance * svd.Values[0], $"[{i}, {j}], seed {Seed}");
                }
            }

            for (var k = 0; k < small; k++)
            {
                Assert.True(k == 0 || svd.Values[k] <= svd.Values[k - 1]);
                Assert.True(k < rank || svd.Values[k] <= tolerance * svd.Values[0], $"value {k} beyond the rank, seed {Seed}");
            }
        }
    }

    [Fact]
    public void Small_singular_values_keep_their_digits_where_the_Gram_matrix_loses_them()
    {
        // Läuchli's matrix: singular values sqrt(3 + e²), e, e. In the Gram matrix 1 + e² rounds to 1.
        const double e = 1e-9;
        double[] a = [1, 1, 1, e, 0, 0, 0, e, 0, 0, 0, e];
        var values = Svd.Decompose(a, 4, 3, SvdVectors.None).Values;
        Assert.Equal(Math.Sqrt(3), values[0], 1e-15);
        Assert.Equal(1, values[1] / e, 1e-14);
        Assert.Equal(1, values[2] / e, 1e-14);
    }

    [Fact]
    public void A_graded_diagonal_comes_back_to_the_last_digit()
    {
        const int n = 13;
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
            a[i * n + (i + 5) % n] = (i % 2 == 0 ? 1 : -1) * Math.Pow(10, -i);
        var svd = Svd.Decompose(a, n, n, SvdVectors.Right);
        for (var i = 0; i < n; i++)
        {
            Assert.Equal(1, svd.Values[i] * Math.Pow(10, i), 1e-15);
            Assert.Equal(1, svd.Right[(i + 5) % n * n + i], 1e-15);
        }
    }

    [Fact]
    public void A_zero_matrix_has_a_complete_basis()
    {
        var svd = Svd.Decompose(new double[12], 3, 4, SvdVectors.Both | SvdVectors.Full);
        Assert.Equal(new double[3], svd.Values);
        Assert.Equal(0, Matrices.OrthogonalityError(svd.Left, 3, 3));
        Assert.Equal(0, Matrices.OrthogonalityError(svd.Right, 4, 4));
    }

    [Theory]
    [InlineData(1e300)]
    [InlineData(1e-300)]
    public void Huge_and_tiny_matrices_neither_overflow_nor_vanish(double scale)
    {
        double[] a = [3 * scale, 0, 4 * scale, 0, 0, 0];
        var svd = Svd.Decompose(a, 3, 2, SvdVectors.Both);
        Assert.Equal(5, svd.Values[0] / scale, 1e-14);
        Assert.Equal(0, svd.Values[1]);
        Assert.Equal(0, Matrices.OrthogonalityError(svd.Left, 3, 2), 1e-15);
    }

    [Theory]
    [InlineData(160, 140)]
    [InlineData(140, 400)]
    public void The_bits_do_not_depend_on_the_threads(int rows, int columns)
    {
        var a = Matrices.Random(rows, columns, _random);
        Threads.AssertSameBits(() =>
        {
            var svd = Svd.Decompose(a, rows, columns, SvdVectors.Both);
            return (double[])[.. svd.Values, .. svd.Left, .. svd.Right];
        });
    }

    [Fact]
    public void A_value_that_is_not_finite_is_bad_input_with_its_place()
    {
        var e = Assert.Throws<EscException>(() => Svd.Decompose([1, 2, 3, double.NegativeInfinity, 5, 6], 2, 3, SvdVectors.Right));
        Assert.Equal(ErrorCode.BadInput, e.Code);
        Assert.Contains("row 1, column 0", e.Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => Svd.Decompose(new double[5], 2, 3, SvdVectors.None));
    }
}
