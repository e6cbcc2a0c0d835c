using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Kernels.Cuda.Cusolver;
using EscNative.Tests.LinearAlgebra;
using EscNative.Tests.Subspaces;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Cuda;

/// <summary>What holds for every solver of the device, as for those of the CPU. Projectors are compared, never singular vectors.</summary>
public sealed class SolverTests
{
    private const int Seed = 71;

    private readonly Random _random = new(Seed);

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void All_solvers_find_one_projector_and_certify_it(string name)
    {
        using var machine = CudaMachine.Use(name);
        // Fewer features than dimensions; a k whose block covers a small d; auto's three ways.
        foreach (var (n, d, k) in ((int, int, int)[])[(90, 40, 3), (25, 60, 5), (160, 150, 2), (140, 130, 40)])
        {
            var rows = Features.Decaying(n, d, _random);
            var reference = Svd.Decompose(Array.ConvertAll(rows, x => (double)x), n, d, SvdVectors.Right);
            var wanted = Matrices.Projector(reference.Right, d, reference.RightCount, k);
            using var features = new CudaFeatures(machine.Context, d, n);
            features.Add(rows);
            var onDevice = new SubspaceProblem(features);
            foreach (var solver in Solvers.CudaNames.Select(s => Solvers.Create(s, machine.Context)))
            {
                foreach (var problem in (SubspaceProblem[])[onDevice, new SubspaceProblem(rows, n, d)])
                {
                    var context = $"{solver.Name}, n = {n}, d = {d}, k = {k}, on the device {problem == onDevice}, seed {Seed}";
                    var result = solver.Solve(problem, k);
                    Assert.Equal((d, n, k, k), (result.Dimension, result.Count, result.K, result.RequestedK));
                    var distance = Matrices.Distance(wanted, Matrices.Projector(result.Basis, d, k, k));
                    Assert.True(distance <= 1e-9, $"{context}: projector off by {distance}");
                    // An iteration stops where float32 features have nothing more to say about the projector.
                    Assert.True(result.Residual <= (result.Iterations > 0 ? 1e-10 : 1e-12), $"{context}: residual {result.Residual}");
                    Assert.True(result.Orthogonality <= 1e-13, $"{context}: orthogonality {result.Orthogonality}");
                    for (var j = 0; j < k; j++)
                        Assert.Equal(reference.Values[j], result.SingularValues[j], 1e-10);
                    Assert.Equal(reference.Values.Take(k).Sum(s => s * s) / reference.Values.Sum(s => s * s), result.EnergyRemoved, 1e-10);
                    // Each column's component of largest magnitude is positive.
                    for (var j = 0; j < k; j++)
                        Assert.True(Enumerable.Range(0, d).Select(i => result.Basis[i * k + j]).MaxBy(Math.Abs) > 0, context);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_CPU_and_the_device_agree_on_what_is_special(string name)
    {
        using var machine = CudaMachine.Use(name);
        foreach (var solver in Solvers.CudaNames.Select(s => Solvers.Create(s, machine.Context)))
        {
            // Nothing to erase, nothing to forget, too much to erase.
            Assert.Equal(0, solver.Solve(new SubspaceProblem(Features.Uniform(9, 4, _random), 9, 4), 0).K);
            var zero = solver.Solve(new SubspaceProblem(new float[40], 10, 4), 2);
            Assert.Contains(zero.Notes, note => note.Contains("all features are zero", StringComparison.Ordinal));
            Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => solver.Solve(new SubspaceProblem(Array.Empty<float>(), 0, 5), 2)).Code);
            Assert.Throws<UsageException>(() => solver.Solve(new SubspaceProblem(Features.Uniform(9, 4, _random), 9, 4), 4));
            Assert.Throws<OperationCanceledException>(() => solver.Solve(new SubspaceProblem(Features.Uniform(9, 4, _random), 9, 4), 2, new CancellationToken(true)));

            // Three directions only, of whole numbers: the rest is rounding.
            foreach (var d in (int[])[24, 140])
            {
                const int n = 50, rank = 3;
                var directions = Array.ConvertAll(Matrices.Transpose(Matrices.Orthonormal(d, rank, _random), d, rank), x => Math.Round(x * 64));
                var weights = Array.ConvertAll(Matrices.Random(n, rank, _random), x => Math.Round(x * 64));
                var rows = Array.ConvertAll(Matrices.Multiply(weights, directions, n, rank, d), x => (float)x);
                var result = solver.Solve(new SubspaceProblem(rows, n, d), 5);
                Assert.True((rank, 5, rank) == (result.K, result.RequestedK, result.Rank), $"{solver.Name}, d = {d}: k = {result.K}, rank {result.Rank}");
                Assert.Equal(1, result.EnergyRemoved, 1e-12);
                var left = Features.Project(rows, Matrices.Complement(result.Basis, d, rank), n, d);
                Assert.True(left.Max(MathF.Abs) <= 1e-7 * rows.Max(MathF.Abs), solver.Name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_iteration_needs_no_second_solver_on_any_scale(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int n = 200, d = 160, k = 3;
        var rows = Features.Decaying(n, d, _random);
        double[]? first = null;
        foreach (var scale in (float[])[1, 1e-15f, 1e15f])
        {
            using var features = new CudaFeatures(machine.Context, d);
            features.Add(Array.ConvertAll(rows, x => x * scale));
            var result = new CudaSubspaceIterationSolver(machine.Context).Solve(new SubspaceProblem(features), k);
            Assert.Equal($"subspace-iteration on {machine.Context}", result.Solver);
            Assert.InRange(result.Residual, 0, 1e-10);
            Assert.InRange(result.Iterations, 3, 40);
            var p = Matrices.Projector(result.Basis, d, k, k);
            Assert.True(Matrices.Distance(first ??= p, p) <= 1e-6, $"scale {scale}, seed {Seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_iteration_survives_a_steep_spectrum_and_tells_when_it_cannot(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int d = 140, k = 3;
        // Eigenvalues that fall by ten each: two products make a block that no Cholesky factor can take.
        var steep = Matrices.WithSpectrum([.. Enumerable.Range(0, d).Select(i => Math.Pow(10, -Math.Min(i, 14)))], _random);
        Assert.DoesNotContain("->", Solve(steep, null).Solver, StringComparison.Ordinal);

        // Equal ones: no direction stands out, and in ten products none will.
        var flat = Matrices.WithSpectrum([.. Enumerable.Range(0, d).Select(i => 1 - (0.001 * i))], _random);
        var result = Solve(flat, new SubspaceIterationOptions { MaxIterations = 10 });
        Assert.Equal($"subspace-iteration -> gram-eigen on {machine.Context} (syevd)", result.Solver);
        Assert.Contains(result.Notes, note => note.Contains("decomposed the whole matrix", StringComparison.Ordinal));
        Assert.InRange(result.Residual, 0, 1e-12);
        var kept = Solve(flat, new SubspaceIterationOptions { MaxIterations = 10, FallBack = false });
        Assert.Contains(kept.Notes, note => note.Contains("not converged", StringComparison.Ordinal));
        Assert.True(kept.Residual > 1e-14);

        SubspaceResult Solve(double[] gram, SubspaceIterationOptions? options)
        {
            var problem = new SubspaceProblem(SubspaceAccumulator.FromGram(gram, d, 1000));
            var found = new CudaSubspaceIterationSolver(machine.Context, options).Solve(problem, k);
            if (options?.FallBack != false)
            {
                var wanted = Matrices.Projector(SymmetricEigen.Decompose(gram, d).Vectors, d, d, k);
                Assert.True(Matrices.Distance(wanted, Matrices.Projector(found.Basis, d, k, k)) <= 1e-9, $"{found.Solver}, seed {Seed}");
            }

            return found;
        }
    }

    [Fact]
    public void Auto_says_what_it_chose()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        Assert.Contains("d = 64 is small", Notes(64, 3), StringComparison.Ordinal);
        Assert.Contains("k = 3 is few of d = 200", Notes(200, 3), StringComparison.Ordinal);
        Assert.Contains("k = 40 is many of d = 200", Notes(200, 40), StringComparison.Ordinal);

        string Notes(int d, int k) =>
            string.Join(' ', new AutoSolver(machine.Context).Solve(new SubspaceProblem(Features.Decaying(220, d, _random), 220, d), k).Notes);
    }

    [Fact]
    public void Rows_that_were_not_kept_are_a_usage_error()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        using var features = new CudaFeatures(machine.Context, 6);
        features.Add(Features.Uniform(10, 6, _random));
        var problem = new SubspaceProblem(features);
        Assert.Contains("keep the features", Assert.Throws<UsageException>(() => new CudaSvdSolver(machine.Context).Solve(problem, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("svd-jacobi", Assert.Throws<UsageException>(() => Solvers.Create("qr", machine.Context)).Message, StringComparison.Ordinal);
        Assert.IsType<SvdSolver>(Solvers.Create("svd", null));
    }

    [Theory]
    [InlineData("svd", "cusolverDnDgesvd_bufferSize", 3)]
    [InlineData("svd", "cusolverDnDgesvd", 6)]
    [InlineData("svd-jacobi", "cusolverDnDgesvdj", 7)]
    [InlineData("gram-eigen", "cusolverDnDsyevd", 6)]
    public void A_failing_library_call_is_a_device_exception(string solver, string call, int status)
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        Assert.SkipWhen(machine.Context.IsEmulated is false, "a real library cannot be told to fail");
        var problem = new SubspaceProblem(Features.Uniform(20, 6, _random), 20, 6);
        Solvers.Create(solver, machine.Context).Solve(problem, 2);
        EmulatorApi.Fail(call, 1, status);
        var e = Assert.Throws<DeviceException>(() => Solvers.Create(solver, machine.Context).Solve(problem, 2));
        Assert.Contains(call, e.Message, StringComparison.Ordinal);
        Assert.Contains($"({status})", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, Solvers.Create(solver, machine.Context).Solve(problem, 2).K);
    }

    [Fact]
    public void Shapes_that_the_library_cannot_take_are_refused()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        var solver = CusolverHandle.Of(machine.Context);
        Assert.Same(solver, CusolverHandle.Of(machine.Context));
        Assert.Contains("decompose the transpose", Assert.Throws<UsageException>(() => solver.Gesvd(2, 3, 1, 1, 1, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => solver.Gesvdj(2, 0, 1, 1, 1, 1));
    }
}
