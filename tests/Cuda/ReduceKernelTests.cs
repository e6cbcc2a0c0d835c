using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Reductions of a dimension, the place of the largest, and its gradient.</summary>
public sealed class ReduceKernelTests
{
    // A warp's and a block's row, chunks of rows and of columns, ragged ends.
    private static readonly (int Outer, int Extent, int Inner)[] Shapes =
    [
        (1, 1, 1), (5, 7, 1), (3, 1024, 1), (9, 33, 1), (2, 1500, 1), (1, 20001, 1), (4, 5, 3), (1, 700, 10), (2, 129, 33), (1, 2, 300), (40, 3, 8),
    ];

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Sum_mean_and_maximum(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ReduceKernels(machine.Context);
        var random = new Random(31);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (outer, extent, inner) in Shapes)
            {
                var x = type.Round(DeviceValues.Random(random, (long)outer * extent * inner));
                var px = machine.Upload(type, x);
                foreach (var op in Enum.GetValues<ReduceOp>())
                {
                    var got = Fold(machine, kernels, type, op, px, outer, extent, inner);
                    var wanted = Wanted(op, x, outer, extent, inner);
                    // Sums of values up to 1: their error grows with the root of their number.
                    type.AssertClose(wanted, got, 4, extent, $"{op} of [{outer}, {extent}, {inner}]", scale: op == ReduceOp.Sum ? Math.Sqrt(extent) : 1);
                    Assert.Equal(got, Fold(machine, kernels, type, op, px, outer, extent, inner));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_maximum_keeps_NaN_and_an_empty_sum_is_zero(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ReduceKernels(machine.Context);
        var x = Enumerable.Range(0, 5000).Select(i => i == 4321 ? double.NaN : -i).ToArray();
        Assert.Equal([double.NaN], Fold(machine, kernels, DType.F32, ReduceOp.Max, machine.Upload(DType.F32, x), 1, 5000, 1));
        Assert.Equal([0, 0, 0], Fold(machine, kernels, DType.F32, ReduceOp.Sum, 0, 3, 0, 1));
        Assert.Equal([double.NaN], Fold(machine, kernels, DType.F32, ReduceOp.Mean, 0, 1, 0, 1));
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_place_of_the_largest_and_its_gradient(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ReduceKernels(machine.Context);
        var random = new Random(32);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (outer, extent, inner) in Shapes.Where(s => s.Extent < 2000))
            {
                // Few different values, so that there are equals; here and there NaN.
                var x = DeviceValues.Random(random, (long)outer * extent * inner).Select(v => v > 0.999 ? double.NaN : Math.Round(v * 4)).ToArray();
                var (px, pi) = (machine.Upload(type, x), machine.Allocate<int>(outer * inner));
                kernels.ArgMax(type, px, pi, outer, extent, inner);
                var wanted = new int[outer * inner];
                for (var at = 0; at < wanted.Length; at++)
                {
                    double Value(int e) => x[(((at / inner * extent) + e) * inner) + (at % inner)];
                    for (var e = 1; e < extent; e++)
                    {
                        if (Value(e) > Value(wanted[at]) || (double.IsNaN(Value(e)) && !double.IsNaN(Value(wanted[at]))))
                            wanted[at] = e;
                    }
                }

                Assert.Equal(wanted, machine.Download<int>(pi, outer * inner));

                var dy = type.Round(DeviceValues.Random(random, outer * inner));
                var (pdy, pdx) = (machine.Upload(type, dy), machine.Allocate(type, x.Length));
                kernels.Scatter(type, pdy, pi, pdx, outer, extent, inner);
                var dx = new double[x.Length];
                for (var at = 0; at < wanted.Length; at++)
                    dx[(((at / inner * extent) + wanted[at]) * inner) + (at % inner)] = dy[at];
                Assert.Equal(dx, machine.Download(type, pdx, x.Length));
            }
        }
    }

    private static double[] Fold(CudaMachine machine, ReduceKernels kernels, DType type, ReduceOp op, nint x, int outer, int extent, int inner)
    {
        var bytes = ReduceKernels.WorkspaceBytes(type, outer, extent, inner);
        var (y, workspace) = (machine.Allocate(type, outer * inner), bytes == 0 ? 0 : machine.Allocate<byte>(bytes));
        kernels.Along(type, op, x, y, outer, extent, inner, workspace);
        return machine.Download(type, y, outer * inner);
    }

    private static double[] Wanted(ReduceOp op, double[] x, int outer, int extent, int inner)
    {
        var y = new double[outer * inner];
        for (var at = 0; at < y.Length; at++)
        {
            var values = Enumerable.Range(0, extent).Select(e => x[(((at / inner * extent) + e) * inner) + (at % inner)]).ToArray();
            y[at] = op switch { ReduceOp.Sum => values.Sum(), ReduceOp.Mean => values.Average(), _ => values.Max() };
        }

        return y;
    }
}
