using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Gram matrices on the device against plain float64 loops.</summary>
public sealed class GramKernelTests
{
    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Sums_of_outer_products(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new GramKernels(machine.Context);
        const int seed = 31;
        var random = new Random(seed);
        // Around a tile of 64 columns, a slice of 16 rows, a chunk of 256 and several segments.
        foreach (var (n, d) in ((int, int)[])[(0, 3), (1, 1), (5, 65), (17, 40), (256, 64), (530, 33), (300, 130)])
        {
            foreach (var type in DeviceValues.Types)
            {
                var z = type.Round(DeviceValues.Random(random, (long)n * d));
                var before = Symmetric(random, d);
                var wanted = Add(before, z, n, d);
                foreach (var exact in (bool[])[true, false])
                {
                    var context = $"{type}, n = {n}, d = {d}, exact {exact}, seed {seed}";
                    var gram = machine.Upload(before);
                    var bad = machine.Upload([ulong.MaxValue]);
                    var workspace = machine.Allocate<byte>(GramKernels.WorkspaceBytes(n, d));
                    kernels.Add(type, exact, machine.Upload(type, z), n, d, gram, workspace, bad);
                    // Sums of n terms up to 1, in float64, or in float32 chunks of 256, whose rounding is 2^29 times that of float64.
                    var chunked = !exact && type != DType.F64;
                    var got = machine.Download<double>(gram, (long)d * d, scale: chunked ? Math.ScaleB(n + 1, 29) : 0);
                    (chunked ? DType.F32 : DType.F64).AssertClose(wanted, got, 2, chunked ? Math.Min(n, 256) : n, context, scale: n + 1);
                    AssertSymmetric(got, d, context);
                    Assert.Equal(ulong.MaxValue, machine.Download<ulong>(bad, 1)[0]);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_first_value_that_is_not_finite_is_told(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new GramKernels(machine.Context);
        const int n = 300, d = 70;
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (first, value) in ((int, double)[])[(0, double.NaN), (69, double.PositiveInfinity), (257 * d, double.NegativeInfinity), (n * d - 1, double.NaN)])
            {
                var z = type.Round(DeviceValues.Random(new Random(5), n * d));
                z[first] = value;
                z[Math.Max(first, (n - 1) * d)] = double.NaN;
                var bad = machine.Upload([ulong.MaxValue]);
                var gram = machine.Upload(new double[d * d]);
                kernels.Add(type, false, machine.Upload(type, z), n, d, gram, machine.Allocate<byte>(GramKernels.WorkspaceBytes(n, d)), bad, 1000);
                Assert.Equal((ulong)(first + (1000 * d)), machine.Download<ulong>(bad, 1)[0]);
            }
        }
    }

    [Fact]
    public void Segments_cover_the_rows_and_follow_from_the_sizes()
    {
        // 36 tiles of d = 512 leave 14 segments; d = 96 may have 32, but has 20 chunks of 256 rows.
        Assert.Equal(14L * 512 * 512 * 8, GramKernels.WorkspaceBytes(5000, 512));
        Assert.Equal(20L * 96 * 96 * 8, GramKernels.WorkspaceBytes(5000, 96));
        Assert.Equal(4096L * 4096 * 8, GramKernels.WorkspaceBytes(50_000, 4096));
        Assert.Equal(0, GramKernels.WorkspaceBytes(0, 4096));
    }

    private static double[] Symmetric(Random random, int d)
    {
        var a = DeviceValues.Random(random, (long)d * d);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < i; j++)
                a[i * d + j] = a[j * d + i];
        }

        return a;
    }

    private static double[] Add(double[] gram, double[] z, int n, int d)
    {
        var sum = (double[])gram.Clone();
        for (var r = 0; r < n; r++)
        {
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                    sum[i * d + j] += z[r * d + i] * z[r * d + j];
            }
        }

        return sum;
    }

    private static void AssertSymmetric(double[] a, int d, string context)
    {
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < i; j++)
                Assert.True(a[i * d + j] == a[j * d + i], $"{context}: not symmetric at {i}, {j}");
        }
    }
}
