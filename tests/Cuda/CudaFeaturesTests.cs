using EscNative.Tests.LinearAlgebra;
using EscNative.Tests.Subspaces;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Cuda;

/// <summary>Features gathered on the device.</summary>
public sealed class CudaFeaturesTests
{
    private const int Seed = 81;

    private readonly Random _random = new(Seed);

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_Gram_matrix_is_the_CPUs_however_the_rows_were_cut(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int n = 2500, d = 7;
        var rows = Features.Uniform(n, d, _random);
        var device = machine.Upload(rows);
        var wanted = new SubspaceAccumulator(d);
        wanted.Add(rows, n);
        double[]? first = null;
        foreach (var kept in (long[])[0, n, n + 100])
        {
            for (var trial = 0; trial < 3; trial++)
            {
                using var features = new CudaFeatures(machine.Context, d, kept);
                for (var at = 0; at < n;)
                {
                    var count = Math.Min(n - at, trial == 0 ? n : _random.Next(0, 1500));
                    if (_random.Next(2) == 0)
                        features.Add(device + (at * d * sizeof(float)), count);
                    else
                        features.Add(rows.AsSpan(at * d, count * d));
                    at += count;
                }

                Assert.Equal((n, kept > 0), (features.Count, features.KeepsRows));
                var gram = features.ToAccumulator().Gram();
                Assert.Equal(first ??= gram, gram);
                var distance = Matrices.Distance(wanted.Gram(), gram);
                Assert.True(distance <= 1e-4 * n / 256, $"off by {distance}, seed {Seed}");
                var problem = new SubspaceProblem(features);
                Assert.Equal(features.ToAccumulator().Trace, problem.Energy, 1e-9);
                Assert.Equal(gram, problem.Gram);
                if (kept > 0)
                    Assert.Equal(rows, problem.Rows.ToArray());
            }
        }
    }

    [Fact]
    public void A_feature_that_is_not_finite_is_told_by_row_and_column()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        const int d = 5;
        foreach (var (row, column, kept) in ((int, int, long)[])[(0, 0, 0), (2047, 4, 0), (2048, 1, 4000), (3999, 3, 4000)])
        {
            using var features = new CudaFeatures(machine.Context, d, kept);
            var rows = Features.Uniform(4000, d, _random);
            rows[(row * d) + column] = float.NaN;
            rows[^1] = float.PositiveInfinity;
            features.Add(rows);
            var e = Assert.Throws<EscException>(() => new SubspaceProblem(features));
            Assert.Equal(ErrorCode.BadInput, e.Code);
            Assert.Contains($"row {row}, column {column} ", e.Message, StringComparison.Ordinal);
            Assert.Throws<EscException>(features.ToAccumulator);
        }
    }

    [Fact]
    public void Wrong_use_is_told()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        Assert.Throws<UsageException>(() => new CudaFeatures(machine.Context, 0));
        using var features = new CudaFeatures(machine.Context, 3, 4);
        Assert.Throws<UsageException>(() => features.Add(new float[4]));
        features.Add(new float[9]);
        Assert.Contains("has room for 4", Assert.Throws<UsageException>(() => features.Add(new float[6])).Message, StringComparison.Ordinal);
        Assert.Equal(3, new SubspaceProblem(features).Count);
        Assert.Contains("read already", Assert.Throws<UsageException>(() => features.Add(new float[3])).Message, StringComparison.Ordinal);
    }
}
