using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Tests.LinearAlgebra;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Subspaces;

/// <summary>What holds for every solver (methods, section 2), on features made up here. Projectors are compared, never
/// singular vectors.</summary>
public sealed class SubspaceSolverTests
{
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    public static TheoryData<string> Names => [.. Solvers.Names];

    private static IEnumerable<ISubspaceSolver> All => Solvers.Names.Select(Solvers.Create);

    [Theory]
    [InlineData(300, 40, 1)]
    [InlineData(300, 40, 6)]
    [InlineData(400, 150, 3)]
    [InlineData(30, 60, 5)]
    public void All_solvers_find_one_projector_and_certify_it(int n, int d, int k)
    {
        var rows = Features.Decaying(n, d, _random);
        var reference = Svd.Decompose(Array.ConvertAll(rows, x => (double)x), n, d, SvdVectors.Right);
        var wanted = Matrices.Projector(reference.Right, d, reference.RightCount, k);
        foreach (var solver in All)
        {
            var result = solver.Solve(new SubspaceProblem(rows, n, d), k);
            Assert.Equal((d, n, k, k), (result.Dimension, result.Count, result.K, result.RequestedK));
            var distance = Matrices.Distance(wanted, Matrices.Projector(result.Basis, d, k, k));
            Assert.True(distance <= 1e-10, $"{solver.Name}: {distance}, seed {Seed}");
            Assert.InRange(result.Residual, 0, 1e-12);
            Assert.InRange(result.Orthogonality, 0, 1e-13);
            for (var j = 0; j < k; j++)
                Assert.Equal(reference.Values[j], result.SingularValues[j], 1e-10);
            Assert.Equal((reference.Values[k - 1] - reference.Values[k]) / reference.Values[k - 1], result.Gap, 0.05);
            Assert.Equal(reference.Values.Take(k).Sum(s => s * s) / reference.Values.Sum(s => s * s), result.EnergyRemoved, 1e-10);
        }
    }

    [Fact]
    public void The_Gram_matrix_alone_is_enough_except_for_the_SVD()
    {
        const int n = 100, d = 20;
        var rows = Features.Decaying(n, d, _random);
        var accumulator = new SubspaceAccumulator(d);
        accumulator.Add(rows, n);
        var wanted = new SvdSolver().Solve(new SubspaceProblem(rows, n, d), 3).Basis;
        foreach (var solver in All)
        {
            var problem = new SubspaceProblem(accumulator);
            if (solver.NeedsRows)
            {
                Assert.Throws<UsageException>(() => solver.Solve(problem, 3));
                continue;
            }

            var basis = solver.Solve(problem, 3).Basis;
            Assert.True(Matrices.Distance(Matrices.Projector(wanted, d, 3, 3), Matrices.Projector(basis, d, 3, 3)) <= 1e-10, $"{solver.Name}, seed {Seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_features_is_bad_input(string name)
    {
        var e = Assert.Throws<EscException>(() => Named(name).Solve(new SubspaceProblem(Array.Empty<float>(), 0, 5), 2));
        Assert.Equal(ErrorCode.BadInput, e.Code);
        Assert.Contains("forgetting set is empty", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void K_of_all_dimensions_is_a_usage_error(string name)
    {
        var problem = new SubspaceProblem(Features.Uniform(9, 4, _random), 9, 4);
        Assert.Throws<UsageException>(() => Named(name).Solve(problem, 4));
        Assert.Throws<UsageException>(() => Named(name).Solve(problem, -1));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Nothing_to_erase_is_the_identity_and_says_why(string name)
    {
        var none = Named(name).Solve(new SubspaceProblem(Features.Uniform(9, 4, _random), 9, 4), 0);
        Assert.Equal(0, none.K);
        Assert.Empty(none.Basis);
        Assert.NotEmpty(none.Notes);

        var zero = Named(name).Solve(new SubspaceProblem(new float[40], 10, 4), 2);
        Assert.Equal((0, 2, 0), (zero.K, zero.RequestedK, zero.Rank));
        Assert.Empty(zero.Basis);
        Assert.Equal(0, zero.EnergyRemoved);
        Assert.Contains(zero.Notes, note => note.Contains("all features are zero", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void K_is_reduced_to_the_rank(string name)
    {
        const int n = 50, d = 24, rank = 3;
        var directions = Matrices.Transpose(Matrices.Orthonormal(d, rank, _random), d, rank);
        // Small whole numbers times powers of two: the float32 rows have exactly this rank.
        for (var i = 0; i < directions.Length; i++)
            directions[i] = Math.Round(directions[i] * 64);
        var weights = Matrices.Random(n, rank, _random);
        for (var i = 0; i < weights.Length; i++)
            weights[i] = Math.Round(weights[i] * 64);
        var rows = Array.ConvertAll(Matrices.Multiply(weights, directions, n, rank, d), x => (float)x);
        var result = Named(name).Solve(new SubspaceProblem(rows, n, d), 7);
        Assert.Equal((rank, 7, rank), (result.K, result.RequestedK, result.Rank));
        Assert.Equal(d * rank, result.Basis.Length);
        Assert.Equal(1, result.EnergyRemoved, 1e-12);
        Assert.InRange(result.Orthogonality, 0, 1e-13);
        Assert.Contains(result.Notes, note => note.Contains("reduced from 7 to 3", StringComparison.Ordinal));
        // What is left of the features is nothing.
        var left = Features.Project(rows, Matrices.Complement(result.Basis, d, rank), n, d);
        Assert.True(left.Max(MathF.Abs) <= 1e-7 * rows.Max(MathF.Abs), $"seed {Seed}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Fewer_features_than_dimensions_keep_the_rest_of_the_space(string name)
    {
        // Methods, section 11, oracle 2: the complement form has rank 95; U_P of a thin SVD keeps 49 directions only.
        const int n = 50, d = 96, k = 1;
        var rows = Features.Decaying(n, d, _random);
        var result = Named(name).Solve(new SubspaceProblem(rows, n, d), k);
        var p = Matrices.Complement(result.Basis, d, k);
        Assert.Equal(95, Matrices.Trace(p, d), 1e-10);
        Assert.Equal(95, SymmetricEigen.Values(p, d).Count(value => value > 0.5));

        var thin = Svd.Decompose(Array.ConvertAll(rows, x => (double)x), n, d, SvdVectors.Right);
        double[] rest = new double[d * (thin.RightCount - k)];
        for (var i = 0; i < d; i++)
            Array.Copy(thin.Right, i * thin.RightCount + k, rest, i * (thin.RightCount - k), thin.RightCount - k);
        Assert.Equal(49, Matrices.Trace(Matrices.Projector(rest, d, thin.RightCount - k, thin.RightCount - k), d), 1e-10);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_complement_equals_the_product_of_the_kept_directions(string name)
    {
        const int n = 200, d = 40, k = 5;
        var rows = Features.Decaying(n, d, _random);
        var p = Matrices.Complement(Named(name).Solve(new SubspaceProblem(rows, n, d), k).Basis, d, k);
        var full = SymmetricEigen.Decompose(Features.Gram(rows, n, d), d).Vectors;
        var kept = new double[d * (d - k)];
        for (var i = 0; i < d; i++)
            Array.Copy(full, i * d + k, kept, i * (d - k), d - k);
        Assert.True(Matrices.Distance(p, Matrices.Projector(kept, d, d - k, d - k)) <= 1e-10, $"seed {Seed}");
        // Oracle 1: symmetric, idempotent, trace d - k, P U_k = 0.
        Assert.Equal(p, Matrices.Transpose(p, d, d));
        Assert.True(Matrices.Distance(p, Matrices.Multiply(p, p, d, d, d)) <= 1e-13);
        Assert.Equal(d - k, Matrices.Trace(p, d), 1e-12);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Equal_singular_values_at_the_cut_are_reported(string name)
    {
        const int d = 30;
        var rows = new float[d * d];
        for (var i = 0; i < d; i++)
            rows[i * d + i] = i < 2 ? 2 : 0.5f / (i + 1);
        var cut = Named(name).Solve(new SubspaceProblem(rows, d, d), 1);
        Assert.InRange(cut.Gap, 0, 1e-6);
        Assert.Contains(cut.Notes, note => note.Contains("not unique", StringComparison.Ordinal));
        var both = Named(name).Solve(new SubspaceProblem(rows, d, d), 2);
        Assert.DoesNotContain(both.Notes, note => note.Contains("not unique", StringComparison.Ordinal));
    }

    [Fact]
    public void Auto_says_what_it_chose()
    {
        Assert.Contains("gram-eigen", Auto(64, 3).Solver, StringComparison.Ordinal);
        var few = Auto(200, 3);
        Assert.Contains("subspace-iteration", few.Solver, StringComparison.Ordinal);
        Assert.Contains(few.Notes, note => note.Contains("few of d = 200", StringComparison.Ordinal));
        Assert.Contains("gram-eigen", Auto(200, 60).Solver, StringComparison.Ordinal);

        SubspaceResult Auto(int d, int k)
        {
            var rows = Features.Decaying(300, d, _random);
            var accumulator = new SubspaceAccumulator(d);
            accumulator.Add(rows, 300);
            return new AutoSolver().Solve(new SubspaceProblem(accumulator), k);
        }
    }

    [Theory]
    [InlineData(-4)]
    [InlineData(-5)]
    public void Auto_takes_the_SVD_where_the_Gram_matrix_loses_the_directions(int power)
    {
        // Singular values 1, 1e-5, 1e-6, .. or 1, 1e-6, 1e-7, ..: above the rounding of float32, but squared the second nearly drowns in that of
        // the first, so that the Gram matrix has its direction badly.
        const int n = 64, d = 16, k = 2;
        var left = Matrices.Orthonormal(n, d, _random);
        var rows = new float[n * d];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < d; j++)
                rows[i * d + j] = (float)(left[i * d + j] * (j == 0 ? 1 : Math.Pow(10, power - j)));
        }

        var reference = new SvdSolver().Solve(new SubspaceProblem(rows, n, d), k);
        Assert.Equal(k, reference.K);
        var auto = new AutoSolver().Solve(new SubspaceProblem(rows, n, d), k);
        Assert.Contains("svd", auto.Solver, StringComparison.Ordinal);
        Assert.Contains(auto.Notes, note => note.Contains("took the SVD", StringComparison.Ordinal));
        Assert.Equal(k, auto.K);
        Assert.Equal(reference.Basis, auto.Basis);

        // Without the rows it says what is lost.
        var accumulator = new SubspaceAccumulator(d);
        accumulator.Add(rows, n);
        Assert.Contains(new AutoSolver().Solve(new SubspaceProblem(accumulator), k).Notes, note => note.Contains("needs the feature rows", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Can_be_cancelled(string name) => Assert.Throws<OperationCanceledException>(() =>
        Named(name).Solve(new SubspaceProblem(Features.Uniform(9, 4, _random), 9, 4), 2, new CancellationToken(canceled: true)));

    [Fact]
    public void Names_are_those_of_the_solvers() => Assert.Equal(Solvers.Names, All.Select(s => s.Name));

    [Fact]
    public void An_unknown_name_lists_the_known_ones() =>
        Assert.Contains("auto, svd, gram-eigen, subspace-iteration", Assert.Throws<UsageException>(() => Solvers.Create("qr")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_fallback_is_recorded()
    {
        const int n = 900, d = 160;
        var rows = Features.Uniform(n, d, _random);
        var result = new SubspaceIterationSolver(new SubspaceIterationOptions { MaxIterations = 10 }).Solve(new SubspaceProblem(rows, n, d), 2);
        Assert.Equal("subspace-iteration -> gram-eigen", result.Solver);
        Assert.Contains(result.Notes, note => note.Contains("decomposed the whole matrix", StringComparison.Ordinal));
        Assert.InRange(result.Residual, 0, 1e-12);
    }

    [Fact]
    public void Features_that_are_not_finite_are_bad_input()
    {
        var rows = Features.Uniform(9, 4, _random);
        rows[4 * 6 + 3] = float.NaN;
        var e = Assert.Throws<EscException>(() => new SubspaceProblem(rows, 9, 4));
        Assert.Equal(ErrorCode.BadInput, e.Code);
        Assert.Contains("row 6, column 3", e.Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => new SubspaceProblem(rows, 8, 4));
    }

    private static ISubspaceSolver Named(string name) => Solvers.Create(name);
}
