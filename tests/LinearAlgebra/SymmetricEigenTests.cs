using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.LinearAlgebra;

/// <summary>
/// The symmetric eigensolver. Backward stability bounds every error by a multiple of n 2^-52 |A|; the multiple is 2 here
/// (typical is 0.05).
/// </summary>
public sealed class SymmetricEigenTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    public static TheoryData<int> Sizes => [0, 1, 2, 3, 5, 8, 31, 33, 64, 65, 96, 129, 257, 420, 512];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Reconstructs_a_random_matrix(int n)
    {
        var a = Symmetrise(Matrices.Random(n, n, _random), n);
        Check(a, n, SymmetricEigen.Decompose(a, n));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Finds_the_known_eigenvalues_of_the_second_difference(int n)
    {
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            a[i * n + i] = 2;
            if (i > 0)
                a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
        }

        var pairs = SymmetricEigen.Decompose(a, n);
        Check(a, n, pairs);
        for (var j = 0; j < n; j++)
            Near(2 + 2 * Math.Cos((j + 1) * Math.PI / (n + 1)), pairs.Values[j], 8 * n * Matrices.Epsilon);
    }

    [Theory]
    [InlineData("graded")]
    [InlineData("equal")]
    [InlineData("clusters")]
    [InlineData("rank one")]
    [InlineData("rank deficient")]
    [InlineData("indefinite")]
    public void Finds_a_given_spectrum(string kind)
    {
        const int n = 96;
        var values = new double[n];
        for (var i = 0; i < n; i++)
        {
            values[i] = kind switch
            {
                "graded" => Math.Pow(10, -12.0 * i / (n - 1)),
                "equal" => 3,
                "clusters" => 1 + i / 24 + 1e-13 * i,
                "rank one" => i == 0 ? 1 : 0,
                "rank deficient" => i < 40 ? 40 - i : 0,
                _ => n / 2 - i,
            };
        }

        var a = Matrices.WithSpectrum(values, _random);
        var pairs = SymmetricEigen.Decompose(a, n);
        Check(a, n, pairs);
        Array.Sort(values);
        Array.Reverse(values);
        // Forming the matrix rounds as much again as solving it.
        var scale = values.Max(Math.Abs);
        for (var j = 0; j < n; j++)
            Near(values[j], pairs.Values[j], 4 * n * Matrices.Epsilon * scale);
    }

    [Fact]
    public void Separates_the_close_pairs_of_Wilkinsons_matrix()
    {
        const int n = 21;
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            a[i * n + i] = Math.Abs(i - 10);
            if (i > 0)
                a[i * n + i - 1] = a[(i - 1) * n + i] = 1;
        }

        var pairs = SymmetricEigen.Decompose(a, n);
        Check(a, n, pairs);
        // The two largest agree in 14 digits (Wilkinson, The Algebraic Eigenvalue Problem, p. 309).
        Near(10.746194182903393, pairs.Values[0], 1e-13);
        Near(10.746194182903322, pairs.Values[1], 1e-13);
        Near(-1.125441522119984, pairs.Values[20], 1e-13);
    }

    [Theory]
    [InlineData(1e300)]
    [InlineData(1e-300)]
    [InlineData(4e-320)]
    public void Huge_and_tiny_matrices_neither_overflow_nor_vanish(double scale)
    {
        // Exact in binary and far from rounding: 2 and 0 times the scale.
        double[] a = [scale, scale, scale, scale];
        var pairs = SymmetricEigen.Decompose(a, 2);
        Near(2, pairs.Values[0] / scale, 1e-15);
        Near(0, pairs.Values[1] / scale, 1e-15);
        Near(Math.Sqrt(0.5), pairs.Vectors[0], 1e-15);
    }

    [Fact]
    public void A_block_far_below_the_others_keeps_orthogonal_vectors()
    {
        double[] a =
        [
            1, 0, 0, 0,
            0, 0, 1e-170, 0,
            0, 1e-170, 0, 1e-170,
            0, 0, 1e-170, 0,
        ];
        var pairs = SymmetricEigen.Decompose(a, 4);
        Assert.Equal(1, pairs.Values[0]);
        Assert.True(Matrices.OrthogonalityError(pairs.Vectors, 4, 4) <= 1e-15);
    }

    [Fact]
    public void A_zero_matrix_has_the_identity_as_vectors()
    {
        var pairs = SymmetricEigen.Decompose(new double[9], 3);
        Assert.Equal(new double[3], pairs.Values);
        Assert.Equal(Matrices.Identity(3), pairs.Vectors);
    }

    [Fact]
    public void Only_the_lower_triangle_is_read()
    {
        double[] a = [2, double.NaN, 1, 2];
        Near(3, SymmetricEigen.Decompose(a, 2).Values[0], 1e-15);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(96)]
    [InlineData(420)]
    public void Values_alone_have_the_same_bits(int n)
    {
        var a = Symmetrise(Matrices.Random(n, n, _random), n);
        Assert.Equal(SymmetricEigen.Decompose(a, n).Values, SymmetricEigen.Values(a, n));
    }

    [Theory]
    [InlineData(96)]
    [InlineData(600)]
    public void The_bits_do_not_depend_on_the_threads(int n)
    {
        var a = Symmetrise(Matrices.Random(n, n, _random), n);
        Threads.AssertSameBits(() =>
        {
            var pairs = SymmetricEigen.Decompose(a, n);
            return (double[])[.. pairs.Values, .. pairs.Vectors];
        });
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_value_that_is_not_finite_is_bad_input_with_its_place(double bad)
    {
        var a = Matrices.Identity(5);
        a[3 * 5 + 1] = bad;
        var e = Assert.Throws<EscException>(() => SymmetricEigen.Decompose(a, 5));
        Assert.Equal(ErrorCode.BadInput, e.Code);
        Assert.Contains("row 3, column 1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_span_of_another_size_is_a_usage_error() =>
        Assert.Throws<UsageException>(() => SymmetricEigen.Decompose(new double[8], 3));

    private static double[] Symmetrise(double[] a, int n)
    {
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < i; j++)
                a[j * n + i] = a[i * n + j];
        }

        return a;
    }

    private static void Check(double[] a, int n, Eigenpairs pairs)
    {
        double norm = 0;
        foreach (var value in pairs.Values)
            norm = Math.Max(norm, Math.Abs(value));
        var tolerance = 2 * Math.Max(n, 4) * Matrices.Epsilon;
        Assert.True(Matrices.OrthogonalityError(pairs.Vectors, n, n) <= tolerance, $"orthogonality, n = {n}, seed {Seed}");
        var image = Matrices.Multiply(a, pairs.Vectors, n, n, n);
        for (var j = 0; j < n; j++)
        {
            Assert.True(j == 0 || pairs.Values[j - 1] >= pairs.Values[j], $"order at {j}, seed {Seed}");
            double residual = 0, largest = 0, signed = 0;
            for (var i = 0; i < n; i++)
            {
                var u = pairs.Vectors[i * n + j];
                residual += Math.Pow(image[i * n + j] - pairs.Values[j] * u, 2);
                if (Math.Abs(u) > largest)
                    (largest, signed) = (Math.Abs(u), u);
            }

            Assert.True(Math.Sqrt(residual) <= tolerance * norm, $"residual {Math.Sqrt(residual)} of pair {j}, n = {n}, seed {Seed}");
            Assert.True(signed > 0, $"sign of vector {j}, seed {Seed}");
        }
    }

    private static void Near(double wanted, double got, double tolerance) =>
        Assert.True(Math.Abs(wanted - got) <= tolerance, $"wanted {wanted:R}, got {got:R}, tolerance {tolerance}, seed {Seed}");
}
