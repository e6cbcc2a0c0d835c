using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Elementwise kernels against plain functions in float64.</summary>
public sealed class ElementwiseKernelTests
{
    // Around a pack, a block and several blocks with 8 values a thread.
    private static readonly int[] Sizes = [1, 3, 4, 9, 255, 2049, 9001];

    public static TheoryData<string> Machines => CudaMachine.All;

    public static TheoryData<string, UnaryOp> UnaryRows()
    {
        var rows = new TheoryData<string, UnaryOp>();
        foreach (var machine in CudaMachine.Names)
        {
            foreach (var op in Enum.GetValues<UnaryOp>())
                rows.Add(machine, op);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(UnaryRows))]
    public void A_function_and_its_slope(string name, UnaryOp op)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ElementwiseKernels(machine.Context);
        var random = new Random(11 + (int)op);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var n in Sizes)
            {
                // One value less is one that is not aligned for packs.
                foreach (var offset in (int[])[0, 1])
                {
                    var positive = op is UnaryOp.Log or UnaryOp.Sqrt;
                    var x = type.Round(DeviceValues.Random(random, n, positive ? 0.1 : -3, 3));
                    var dy = type.Round(DeviceValues.Random(random, n));
                    var count = n - offset;
                    var at = offset * Size(type);
                    var (px, pdy, py, pdx) = (machine.Upload(type, x) + at, machine.Upload(type, dy) + at, machine.Allocate(type, count), machine.Allocate(type, count));
                    var context = $"{op} of {count} values, offset {offset}";

                    kernels.Unary(type, op, px, py, count);
                    var wanted = x.Skip(offset).Select(v => Function(op, v)).ToArray();
                    // Of operands up to 3: in x (1 + erf x) the sum may be much smaller than its terms.
                    var scale = wanted.Append(0).Max(v => Math.Abs(v) + 3);
                    type.AssertClose(wanted, machine.Download(type, py, count), 4, 1, context, scale);

                    // What the slope reads is the rounded result, or the operand.
                    var saved = Slope.ReadsResult(op) ? type.Round(wanted) : x[offset..];
                    var psaved = op == UnaryOp.Negate ? 0 : machine.Upload(type, saved);
                    kernels.UnaryBackward(type, op, psaved, pdy, pdx, count);
                    var slopes = saved.Select((s, i) => dy[i + offset] * Slope.Of(op, s)).ToArray();
                    type.AssertClose(slopes, machine.Download(type, pdx, count), 8, 1, context + ", slope", scale: slopes.Append(0).Max(Math.Abs) + 1);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Negative_zero_NaN_and_infinities_pass_through(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ElementwiseKernels(machine.Context);
        float[] x = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 0f, -1f];
        var (px, py) = (machine.Upload<float>(x), machine.Allocate<float>(x.Length));
        kernels.Unary(DType.F32, UnaryOp.Relu, px, py, x.Length);
        Assert.Equal([float.NaN, float.PositiveInfinity, 0, 0, 0, 0], machine.Download<float>(py, x.Length));

        // Numbers whose exponential, square or cube float32 cannot hold.
        float[] far = [float.MaxValue, float.MinValue, 1e20f, -1e20f, -90, -1e-40f, 1e-40f, 7, 6];
        var (pfar, pslope, pones) = (machine.Upload<float>(far), machine.Allocate<float>(far.Length), machine.Upload<float>([.. far.Select(_ => 1f)]));
        (UnaryOp Op, float[] Values, float[] Slopes)[] wanted =
        [
            (UnaryOp.Silu, [float.MaxValue, 0, 1e20f, 0, 0, -5e-41f, 5e-41f, 6.993623f, 5.9851646f], [1, 0, 1, 0, 0, 0.5f, 0.5f, 1.0054611f, 1.0123263f]),
            (UnaryOp.GeluTanh, [float.MaxValue, 0, 1e20f, 0, 0, -5e-41f, 5e-41f, 7, 6], [1, 0, 1, 0, 0, 0.5f, 0.5f, 1, 1]),
            (UnaryOp.Relu6, [6, 0, 6, 0, 0, 0, 1e-40f, 6, 6], [0, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        foreach (var (op, values, slopes) in wanted)
        {
            var result = machine.Allocate<float>(far.Length);
            kernels.Unary(DType.F32, op, pfar, result, far.Length);
            kernels.UnaryBackward(DType.F32, op, Slope.ReadsResult(op) ? result : pfar, pones, pslope, far.Length);
            var (got, rise) = (machine.Download<float>(result, far.Length), machine.Download<float>(pslope, far.Length));
            for (var i = 0; i < far.Length; i++)
            {
                Assert.True(Math.Abs(got[i] - values[i]) <= (1e-6 * Math.Abs(values[i])) + 1e-36, $"{op}({far[i]}) is {got[i]}, wanted {values[i]}");
                Assert.True(Math.Abs(rise[i] - slopes[i]) <= 1e-6, $"{op}'({far[i]}) is {rise[i]}, wanted {slopes[i]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Two_operands_contiguous_repeated_and_strided(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ElementwiseKernels(machine.Context);
        var random = new Random(12);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var op in Enum.GetValues<BinaryOp>())
            {
                foreach (var n in Sizes)
                {
                    var (a, b) = (type.Round(DeviceValues.Random(random, n)), type.Round(DeviceValues.Random(random, n, 0.5, 2)));
                    var (pa, pb, py) = (machine.Upload(type, a), machine.Upload(type, b), machine.Allocate(type, n));
                    foreach (var (stepA, stepB) in ((int, int)[])[(1, 1), (0, 1), (1, 0)])
                    {
                        kernels.Binary(type, op, pa, stepA, pb, stepB, py, n);
                        var wanted = Enumerable.Range(0, n).Select(i => Function(op, a[i * stepA], b[i * stepB])).ToArray();
                        type.AssertClose(wanted, machine.Download(type, py, n), 1, 1, $"{op} of {n} values, steps {stepA} and {stepB}");
                    }
                }

                // y [3, 5, 7] = a [5, 1] expanded, b transposed.
                long[] extents = [3, 5, 7], first = [0, 1, 0], second = [1, 3, 15];
                var (u, v) = (type.Round(DeviceValues.Random(random, 5)), type.Round(DeviceValues.Random(random, 105, 0.5, 2)));
                var (pu, pv, pw) = (machine.Upload(type, u), machine.Upload(type, v), machine.Allocate(type, 105));
                kernels.BinaryStrided(type, op, pu, pv, pw, 105, Broadcast.Of(extents, first, second));
                var strided = Enumerable.Range(0, 105).Select(i => Function(op, u[i / 7 % 5], v[(i / 35) + (i / 7 % 5 * 3) + (i % 7 * 15)])).ToArray();
                type.AssertClose(strided, machine.Download(type, pw, 105), 1, 1, $"{op}, strided");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Scaled_shifted_and_added(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ElementwiseKernels(machine.Context);
        var random = new Random(13);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var n in Sizes)
            {
                var (x, s) = (type.Round(DeviceValues.Random(random, n)), type.Round(DeviceValues.Random(random, n)));
                var (px, ps, py) = (machine.Upload(type, x), machine.Upload(type, s), machine.Allocate(type, n));
                kernels.Affine(type, px, 1.7, -0.3, py, n);
                type.AssertClose([.. x.Select(v => (1.7 * v) - 0.3)], machine.Download(type, py, n), 3, 1, $"affine of {n}");
                kernels.AddInto(type, ps, px, n);
                type.AssertClose([.. x.Zip(s, (a, b) => a + b)], machine.Download(type, ps, n), 1, 1, $"sum of {n}");
            }
        }
    }

    [Fact]
    public void Dimensions_are_merged_where_both_operands_allow_it()
    {
        Assert.Equal(1, Broadcast.Of([2, 3, 4], [12, 4, 1], [12, 4, 1]).Rank);
        Assert.Equal(2, Broadcast.Of([2, 3, 4], [12, 4, 1], [0, 0, 1]).Rank);
        Assert.Equal(3, Broadcast.Of([2, 3, 4], [0, 4, 1], [12, 0, 1]).Rank);
        Assert.Equal(1, Broadcast.Of([1, 1], [5, 7], [3, 2]).Rank);
        Assert.Equal(1, Broadcast.Of([], [], []).Rank);
        var scalar = Broadcast.Of([2, 3, 4], [0, 0, 0], [12, 4, 1]);
        Assert.Equal((1, 0L, 1L), (scalar.Rank, scalar.FirstStride(0), scalar.SecondStride(0)));
    }

    private static int Size(DType type) => type switch { DType.F32 => 4, DType.BF16 => 2, _ => 8 };

    private static double Function(UnaryOp op, double x) => op switch
    {
        UnaryOp.Negate => -x,
        UnaryOp.Exp => Math.Exp(x),
        UnaryOp.Log => Math.Log(x),
        UnaryOp.Sqrt => Math.Sqrt(x),
        UnaryOp.Relu => Math.Max(x, 0),
        UnaryOp.Gelu => 0.5 * x * (1 + ErrorFunction.Erf(x / Math.Sqrt(2))),
        UnaryOp.Tanh => Math.Tanh(x),
        UnaryOp.Sigmoid => 1 / (1 + Math.Exp(-x)),
        UnaryOp.Square => x * x,
        UnaryOp.Abs => Math.Abs(x),
        UnaryOp.Silu => x < 0 ? x * Math.Exp(x) / (1 + Math.Exp(x)) : x / (1 + Math.Exp(-x)),
        UnaryOp.Relu6 => Math.Min(Math.Max(x, 0), 6),
        UnaryOp.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };

    private static double Function(BinaryOp op, double a, double b) => op switch
    {
        BinaryOp.Add => a + b,
        BinaryOp.Subtract => a - b,
        BinaryOp.Multiply => a * b,
        BinaryOp.Divide => a / b,
        BinaryOp.Weigh => a == 0 ? 0 : a * b,
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };

    private static class Slope
    {
        public static bool ReadsResult(UnaryOp op) => op is UnaryOp.Exp or UnaryOp.Sqrt or UnaryOp.Relu or UnaryOp.Tanh or UnaryOp.Sigmoid or UnaryOp.Relu6;

        // The slope of x s(u) with the sigmoid s, where u' = rise.
        private static double Gated(double x, double u, double rise)
        {
            var t = 1 / (1 + Math.Exp(-u));
            return t + (x * t * (1 - t) * rise);
        }

        public static double Of(UnaryOp op, double s) => op switch
        {
            UnaryOp.Negate => -1,
            UnaryOp.Exp => s,
            UnaryOp.Log => 1 / s,
            UnaryOp.Sqrt => 0.5 / s,
            UnaryOp.Relu => s <= 0 ? 0 : 1,
            UnaryOp.Gelu => (0.5 * (1 + ErrorFunction.Erf(s / Math.Sqrt(2)))) + (s * Math.Exp(-0.5 * s * s) / Math.Sqrt(2 * Math.PI)),
            UnaryOp.Tanh => 1 - (s * s),
            UnaryOp.Sigmoid => s * (1 - s),
            UnaryOp.Square => 2 * s,
            UnaryOp.Abs => Math.Sign(s),
            UnaryOp.Silu => Gated(s, s, 1),
            UnaryOp.Relu6 => s is > 0 and < 6 ? 1 : 0,
            UnaryOp.GeluTanh => Gated(s, Math.Sqrt(8 / Math.PI) * (s + (0.044715 * s * s * s)), Math.Sqrt(8 / Math.PI) * (1 + (0.134145 * s * s))),
            _ => throw new ArgumentOutOfRangeException(nameof(op)),
        };
    }
}
