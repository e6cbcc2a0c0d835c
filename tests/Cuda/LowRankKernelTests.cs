using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>Erasure operators on rows against plain float64 loops.</summary>
public sealed class LowRankKernelTests
{
    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Oblique_and_masked_operators(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new LowRankKernels(machine.Context);
        const int seed = 41;
        var random = new Random(seed);
        foreach (var (n, d, k) in ((int, int, int)[])[(0, 4, 2), (1, 1, 1), (5, 7, 0), (9, 33, 5), (17, 12, 12), (20, 40, 37), (3, 300, 7)])
        {
            foreach (var type in DeviceValues.Types)
            {
                var wide = type.Wide();
                var z = type.Round(DeviceValues.Random(random, n * d));
                var left = wide.Round(DeviceValues.Random(random, d * k));
                var right = wide.Round(DeviceValues.Random(random, d * k));
                var offset = wide.Round(DeviceValues.Random(random, d));
                foreach (var (keep, shifted, inPlace) in ((bool, bool, bool)[])[(true, false, false), (true, true, true), (false, false, true), (false, true, false)])
                {
                    var pz = machine.Upload(type, z);
                    var y = inPlace ? pz : machine.Allocate(type, n * d);
                    kernels.Apply(type, pz, machine.Upload(wide, left), machine.Upload(wide, right), shifted ? machine.Upload(wide, offset) : 0, y, n, d, k, keep);
                    // Two sums one after the other, each term of size 1.
                    type.AssertClose(
                        Apply(z, left, right, shifted ? offset : new double[d], n, d, k, keep), machine.Download(type, y, n * d), 4, d * Math.Max(k, 1),
                        $"n = {n}, d = {d}, k = {k}, keep {keep}, offset {shifted}, in place {inPlace}, seed {seed}", scale: 4);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_projection_takes_its_directions_away_and_no_more(string name)
    {
        using var machine = CudaMachine.Use(name);
        const int n = 6, d = 24, k = 5;
        var u = LinearAlgebra.Matrices.Orthonormal(d, k, new Random(9));
        var pu = machine.Upload(u);
        // Rows that are the directions themselves, and one that is orthogonal to them but for rounding.
        var z = new double[n * d];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < k; j++)
                z[j * d + i] = 3 * u[i * k + j];
        }

        var outside = LinearAlgebra.Matrices.Complement(u, d, k);
        Array.Copy(outside, 0, z, k * d, d);
        var y = machine.Allocate<double>(n * d);
        new LowRankKernels(machine.Context).Apply(DType.F64, machine.Upload(z), pu, pu, 0, y, n, d, k);
        var got = machine.Download<double>(y, n * d);
        for (var i = 0; i < k * d; i++)
            Assert.Equal(0, got[i], 1e-14);
        for (var i = k * d; i < n * d; i++)
            Assert.Equal(z[i], got[i], 1e-14);
    }

    [Fact]
    public void More_directions_than_shared_memory_holds_are_refused()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        var kernels = new LowRankKernels(machine.Context);
        var most = machine.Context.MaxSharedBytes / (8 * sizeof(float));
        var e = Assert.Throws<UsageException>(() => kernels.Apply(DType.F32, 1, 1, 1, 0, 1, 1, most + 1, most + 1));
        Assert.Contains($"wants at most {most}", e.Message, StringComparison.Ordinal);
    }

    private static double[] Apply(double[] z, double[] left, double[] right, double[] offset, int n, int d, int k, bool keep)
    {
        var y = new double[n * d];
        for (var r = 0; r < n; r++)
        {
            var coefficients = new double[k];
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < k; j++)
                    coefficients[j] += right[i * k + j] * z[r * d + i];
            }

            for (var i = 0; i < d; i++)
            {
                double sum = 0;
                for (var j = 0; j < k; j++)
                    sum += left[i * k + j] * coefficients[j];
                y[r * d + i] = (keep ? z[r * d + i] - sum : sum) + offset[i];
            }
        }

        return y;
    }
}
