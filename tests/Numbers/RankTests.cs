using EscNative.Kernels.Cuda.Driver;
using EscNative.Tests.Cuda;
using EscNative.Tests.LinearAlgebra;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Numbers;

/// <summary>The rank of float32 features: the same from every solver, whatever the rounding of the features adds to their spectrum.</summary>
public sealed class RankTests
{
    // n, d, rank, k.
    private static readonly (int N, int D, int Rank, int K)[] Cases =
        [(200, 24, 2, 5), (200, 24, 1, 3), (30, 60, 4, 20), (7, 64, 7, 20), (1, 16, 1, 4), (400, 150, 3, 4), (150, 140, 6, 40)];

    [Fact]
    public void Every_solver_of_the_CPU_finds_the_rank_of_rounded_features_and_says_that_k_is_less() =>
        Check([.. Solvers.Names.Select(Solvers.Create)], context: null);

    [Fact]
    public void Every_solver_of_the_device_finds_the_same()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        Check([.. Solvers.CudaNames.Select(name => Solvers.Create(name, machine.Context))], machine.Context);
    }

    [Theory]
    [InlineData(1e-5, 2)]
    [InlineData(1e-9, 1)]
    public void A_direction_counts_if_float32_can_tell_it_from_rounding(double size, int wanted)
    {
        // Singular values 1 and size, along rotated directions: rounding of the features disturbs both.
        const int N = 300, D = 32;
        var random = new Random(3);
        double[] left = Matrices.Orthonormal(N, 2, random), right = Matrices.Orthonormal(D, 2, random);
        var rows = new float[N * D];
        for (var i = 0; i < N; i++)
        {
            for (var j = 0; j < D; j++)
                rows[(i * D) + j] = (float)((left[i * 2] * right[j * 2]) + (size * left[(i * 2) + 1] * right[(j * 2) + 1]));
        }

        foreach (var solver in Solvers.Names.Select(Solvers.Create))
            Assert.Equal((solver.Name, wanted), (solver.Name, solver.Solve(new SubspaceProblem(rows, N, D), 4).K));
    }

    [Fact]
    public void The_rank_does_not_depend_on_the_scale_of_the_features()
    {
        foreach (var scale in (float[])[1e-18f, 1e18f])
        {
            var rows = Array.ConvertAll(Features(200, 24, 2, new Random(5)), v => v * scale);
            foreach (var solver in Solvers.Names.Select(Solvers.Create))
                Assert.Equal((solver.Name, 2), (solver.Name, solver.Solve(new SubspaceProblem(rows, 200, 24), 5).K));
        }
    }

    private static void Check(ISubspaceSolver[] solvers, CudaContext? context)
    {
        var random = new Random(7);
        // The largest are long for the emulated device.
        foreach (var (n, d, rank, k) in context is null ? Cases : [.. Cases[..5], (90, 132, 3, 4)])
        {
            var rows = Features(n, d, rank, random);
            var accumulator = new SubspaceAccumulator(d);
            accumulator.Add(rows, n);
            using var features = context is null ? null : new CudaFeatures(context, d, n);
            features?.Add(rows);
            foreach (var solver in solvers)
            {
                List<SubspaceProblem> problems = [new(rows, n, d)];
                if (!solver.NeedsRows)
                    problems.Add(new(accumulator));
                if (features is not null)
                    problems.Add(new(features));
                foreach (var problem in problems)
                {
                    var result = solver.Solve(problem, k);
                    var found = Math.Min(rank, k);
                    Assert.True(result.K == found, $"{solver.Name}, [{n}, {d}] of rank {rank}, k = {k}: K = {result.K}, {result.Solver}");
                    Assert.True(result.Rank >= found && (!result.RankIsExact || result.Rank == rank), $"{solver.Name}: rank {result.Rank}");
                    Assert.Equal(d * found, result.Basis.Length);
                    Assert.Equal(found < k, result.Notes.Any(note => note.Contains($"reduced from {k} to {found}", StringComparison.Ordinal)));
                }
            }
        }
    }

    // A product of two factors, in float64 and rounded, as the features of a network are.
    private static float[] Features(int n, int d, int rank, Random random) =>
        Array.ConvertAll(Matrices.Multiply(Matrices.Random(n, rank, random), Matrices.Random(rank, d, random), n, rank, d), v => (float)v);
}
