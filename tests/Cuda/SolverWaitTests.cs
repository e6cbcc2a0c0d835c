using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Tests.LinearAlgebra;
using EscNative.Tests.Subspaces;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Cuda;

/// <summary>What a solve on the device asks of the host, and how exact it is where it stops.</summary>
public sealed class SolverWaitTests
{
    private const int Seed = 29;

    private readonly Random _random = new(Seed);

    [Fact]
    public void The_iteration_waits_once_a_round_and_asks_for_memory_once()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        var counters = machine.Context.Counters;
        foreach (var (n, d, k) in ((int, int, int)[])[(300, 200, 3), (220, 150, 1), (260, 170, 5)])
        {
            using var features = new CudaFeatures(machine.Context, d);
            features.Add(Features.Decaying(n, d, _random));
            var problem = new SubspaceProblem(features);
            var (waits, allocations, uploads) = (counters.Synchronizations, counters.Allocations, counters.BytesToDevice);
            var result = new CudaSubspaceIterationSolver(machine.Context).Solve(problem, k);
            Assert.Equal($"subspace-iteration on {machine.Context}", result.Solver);
            // A product leads to the first round, two more to each other.
            var rounds = (result.Iterations + 1) / 2;
            Assert.InRange(rounds, 2, 15);
            // The matrix's trace, a wait a round, one more for a round that was begun in vain, and the result.
            Assert.InRange(counters.Synchronizations - waits, rounds + 1, rounds + 3);
            Assert.InRange(counters.Allocations - allocations, 1, 2);
            var b = (k + 31) / 16 * 16;
            Assert.InRange(counters.BytesToDevice - uploads, 1, (rounds + 1) * ((b * b) + b) * sizeof(double));
        }
    }

    [Fact]
    public void The_projector_is_exact_to_1e_9_however_small_the_gap()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        const int d = 150, k = 4;
        foreach (var gap in (double[])[0.5, 0.1, 1e-2, 1e-3])
        {
            // The fifth eigenvalue is this much below the fourth.
            double[] spectrum = [3, 2.5, 2, 1, 1 - gap, .. Enumerable.Range(0, d - 5).Select(i => Math.Min(1 - gap, 0.5) * Math.Pow(0.9, i))];
            var gram = Matrices.WithSpectrum(spectrum, _random);
            var result = new CudaSubspaceIterationSolver(machine.Context).Solve(new SubspaceProblem(SubspaceAccumulator.FromGram(gram, d, 1000)), k);
            var wanted = Matrices.Projector(SymmetricEigen.Decompose(gram, d).Vectors, d, d, k);
            var distance = Matrices.Distance(wanted, Matrices.Projector(result.Basis, d, k, k));
            Assert.True(distance <= 1e-9, $"gap {gap}: projector off by {distance}, residual {result.Residual}, seed {Seed}");
            Assert.InRange(result.Residual, 0, 1e-10);
        }
    }

    [Fact]
    public void A_tolerance_of_ones_own_is_kept_to()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        const int n = 200, d = 160, k = 3;
        var rows = Features.Decaying(n, d, _random);
        var last = int.MaxValue;
        foreach (var tolerance in (double[])[1e-14, 1e-8, 1e-4])
        {
            var result = new CudaSubspaceIterationSolver(machine.Context, new SubspaceIterationOptions { Tolerance = tolerance })
                .Solve(new SubspaceProblem(rows, n, d), k);
            Assert.InRange(result.Residual, 0, tolerance);
            Assert.True(result.Iterations <= last);
            last = result.Iterations;
        }
    }
}
