using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

[Collection(CpuThreads.Collection)]
public sealed unsafe class ElementwiseTests
{
    private static readonly int[] Sizes = [0, 1, 2, 15, 16, 17, 33, 1000, 140_001];

    public static TheoryData<UnaryOp> UnaryOps() => [.. Enum.GetValues<UnaryOp>()];

    public static TheoryData<BinaryOp> BinaryOps() => [.. Enum.GetValues<BinaryOp>()];

    [Theory]
    [MemberData(nameof(UnaryOps))]
    public void Unary_equals_the_oracle(UnaryOp op)
    {
        foreach (var n in Sizes)
        {
            var values = new Values();
            var x = Domain(op, values.Floats(n, 2));
            using var input = new GuardedBuffer<float>(x);
            using var output = new GuardedBuffer<float>(n);
            Elementwise.Unary(op, input.Pointer, output.Pointer, n);
            output.AssertIntact();
            // Three units in the last place; gelu cancels for negative x, so it is held to 2^-23 |x|.
            var wanted = Array.ConvertAll(x, v => Exact(op, v));
            if (op is UnaryOp.Gelu or UnaryOp.GeluTanh)
                values.AssertClose(wanted, output.Span, 8 * Math.ScaleB(1, -23), 2.5e-7);
            else
                values.AssertClose(wanted, output.Span, 1e-44, 3 * Math.ScaleB(1, -23));

            using var wideInput = new GuardedBuffer<double>(Values.Wide(x));
            using var wideOutput = new GuardedBuffer<double>(n);
            Elementwise.Unary(op, wideInput.Pointer, wideOutput.Pointer, n);
            wideOutput.AssertIntact();
            // Gelu multiplies the 1e-15 of the error function by x, which reaches 9.
            values.AssertClose(wanted, wideOutput.Span, 1e-14, 1e-15);
        }
    }

    // The oracle is the central difference of the exact function, whose own error with h = 1e-5 is about 1e-9.
    [Theory]
    [MemberData(nameof(UnaryOps))]
    public void Unary_backward_is_the_derivative(UnaryOp op)
    {
        foreach (var n in Sizes)
        {
            var values = new Values();
            var x = Domain(op, values.Floats(n, 2));
            var g = values.Floats(n);
            var wanted = new double[n];
            for (var i = 0; i < n; i++)
            {
                // Away from 0, where relu and abs have a corner and sqrt and log are steep.
                if (Math.Abs(x[i]) < 0.05f)
                    x[i] = 0.05f;
                wanted[i] = g[i] * (Exact(op, x[i] + 1e-5) - Exact(op, x[i] - 1e-5)) / 2e-5;
            }

            var saved = op switch
            {
                UnaryOp.Negate => null,
                UnaryOp.Log or UnaryOp.Gelu or UnaryOp.Square or UnaryOp.Abs or UnaryOp.Silu or UnaryOp.GeluTanh => x,
                _ => Array.ConvertAll(x, v => (float)Exact(op, v)),
            };
            using var savedBuffer = new GuardedBuffer<float>(saved ?? []);
            using var gradient = new GuardedBuffer<float>(g);
            using var output = new GuardedBuffer<float>(n);
            var pointer = saved == null ? null : savedBuffer.Pointer;
            Elementwise.UnaryBackward(op, pointer, gradient.Pointer, output.Pointer, n);
            output.AssertIntact();
            // tanh and sigmoid are saved rounded, and 1 - y then carries that rounding: 2^-23 of g.
            values.AssertClose(wanted, output.Span, 5e-7, 2e-6);
        }
    }

    [Fact]
    public void Backward_at_the_corners_follows_the_stated_rule()
    {
        var x = stackalloc float[] { 0f, -0f, 3f, -3f };
        var g = stackalloc float[] { 7f, 7f, 7f, 7f };
        var y = stackalloc float[4];
        Elementwise.UnaryBackward(UnaryOp.Relu, x, g, y, 4);
        Assert.Equal([0, 0, 7, 0], new Span<float>(y, 4));
        Elementwise.UnaryBackward(UnaryOp.Abs, x, g, y, 4);
        Assert.Equal([0, 0, 7, -7], new Span<float>(y, 4));
        var corners = stackalloc float[] { 0f, 6f, 3f, float.NaN };
        Elementwise.UnaryBackward(UnaryOp.Relu6, corners, g, y, 4);
        Assert.Equal([0, 0, 7, 0], new Span<float>(y, 4));
    }

    // Every exponent of both signs with some significands, subnormal numbers too. The functions do not cancel, so their relative error is
    // that of the exponential function at the argument: of numbers up to 104 for floats.
    [Theory]
    [InlineData(UnaryOp.Silu)]
    [InlineData(UnaryOp.Relu6)]
    [InlineData(UnaryOp.GeluTanh)]
    public void Activations_hold_over_all_floats(UnaryOp op)
    {
        var x = new List<float>();
        for (var pattern = 0L; pattern < 1L << 32; pattern += 99_991)
            x.Add(BitConverter.UInt32BitsToSingle((uint)pattern));
        x.AddRange([float.MaxValue, float.MinValue, float.Epsilon, -float.Epsilon, 0, 6]);
        float[] input = [.. x.Where(float.IsFinite)];
        float[] y = new float[input.Length], slopes = new float[input.Length], g = new float[input.Length];
        Array.Fill(g, 1);
        fixed (float* px = input, py = y, pg = g, ps = slopes)
        {
            Elementwise.Unary(op, px, py, input.Length);
            Elementwise.UnaryBackward(op, op == UnaryOp.Relu6 ? py : px, pg, ps, input.Length);
        }

        for (var i = 0; i < input.Length; i++)
        {
            double v = input[i], tolerance = 1e-42 + (4e-5 * Math.Abs(v) * Tail(op, v));
            var (value, slope) = (v * Tail(op, v), Slope(op, v));
            if (op == UnaryOp.Relu6)
                (value, slope, tolerance) = (Math.Clamp(v, 0, 6), v is > 0 and < 6 ? 1 : 0, 0);
            else if (v > -1)
                tolerance = 4e-7 * Math.Abs(v) + 1e-45;
            Assert.True(Math.Abs(y[i] - value) <= tolerance, $"{op}({v}) is {y[i]}, wanted {value}");
            Assert.True(Math.Abs(slopes[i] - slope) <= (op == UnaryOp.Relu6 ? 0 : 1e-6), $"{op}'({v}) is {slopes[i]}, wanted {slope}");
        }
    }

    // What x is multiplied by, without cancellation.
    private static double Tail(UnaryOp op, double x)
    {
        var u = op == UnaryOp.Silu ? x : 2 * Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x));
        return u < 0 ? Math.Exp(u) / (1 + Math.Exp(u)) : 1 / (1 + Math.Exp(-u));
    }

    private static double Slope(UnaryOp op, double x)
    {
        var t = Tail(op, x);
        var product = t * (1 - t);
        return product == 0 ? t : t + (x * product * (op == UnaryOp.Silu ? 1 : 2 * Math.Sqrt(2 / Math.PI) * (1 + (3 * 0.044715 * x * x))));
    }

    [Fact]
    public void Relu_lets_nan_through()
    {
        var x = stackalloc float[] { float.NaN, 1f, -1f };
        Elementwise.Unary(UnaryOp.Relu, x, x, 3);
        Assert.True(float.IsNaN(x[0]) && x[1] == 1f && x[2] == 0f);
    }

    [Theory]
    [MemberData(nameof(BinaryOps))]
    public void Binary_of_one_shape_is_exact_and_works_in_place(BinaryOp op)
    {
        foreach (var n in Sizes)
        {
            var values = new Values();
            var a = values.Floats(n);
            var b = values.Floats(n);
            var wanted = new float[n];
            for (var i = 0; i < n; i++)
                wanted[i] = (float)Exact(op, a[i], b[i]);
            using var left = new GuardedBuffer<float>(a);
            using var right = new GuardedBuffer<float>(b);
            Elementwise.Binary(op, left.Pointer, right.Pointer, left.Pointer, n);
            left.AssertIntact();
            Assert.Equal(wanted, left.Span);
        }
    }

    public static TheoryData<string, long[], long[], long[]> Broadcasts() => new()
    {
        { "scalar right", [1000], [1], [0] },
        { "scalar left", [1000], [0], [1] },
        { "row", [37, 53], [53, 1], [0, 1] },
        { "column", [37, 53], [53, 1], [1, 0] },
        { "outer", [37, 53], [1, 0], [0, 1] },
        { "both broadcast", [5, 7], [0, 0], [0, 0] },
        { "large row", [300, 1001], [1001, 1], [0, 1] },
        { "channels", [2, 5, 5, 3], [75, 15, 3, 1], [0, 0, 0, 1] },
        { "middle", [4, 5, 6], [30, 6, 1], [6, 0, 1] },
        { "transposed", [7, 9], [1, 7], [9, 1] },
        { "six dims", [2, 3, 2, 3, 2, 3], [108, 0, 18, 6, 3, 1], [0, 36, 18, 0, 3, 1] },
        { "empty", [0, 4], [4, 1], [4, 1] },
        { "no dims", [], [], [] },
    };

    [Theory]
    [MemberData(nameof(Broadcasts))]
    public void Binary_broadcasts(string name, long[] dims, long[] aStrides, long[] bStrides)
    {
        var count = dims.Aggregate(1L, (n, d) => n * d);
        foreach (var op in Enum.GetValues<BinaryOp>())
        {
            var values = new Values();
            var a = values.Floats(Extent(dims, aStrides));
            var b = values.Floats(Extent(dims, bStrides));
            var wanted = new float[count];
            for (var i = 0L; i < count; i++)
                wanted[i] = (float)Exact(op, a[Offset(i, dims, aStrides)], b[Offset(i, dims, bStrides)]);
            using var left = new GuardedBuffer<float>(a);
            using var right = new GuardedBuffer<float>(b);
            using var output = new GuardedBuffer<float>(count);
            Elementwise.Binary(op, left.Pointer, aStrides, right.Pointer, bStrides, output.Pointer, dims);
            output.AssertIntact();
            Assert.True(wanted.AsSpan().SequenceEqual(output.Span), $"{name} {op} (seed {values.Seed})");
        }
    }

    [Fact]
    public void Affine_axpy_and_fill()
    {
        foreach (var n in Sizes)
        {
            var values = new Values();
            var x = values.Floats(n);
            var y = values.Floats(n);
            using var input = new GuardedBuffer<float>(x);
            using var output = new GuardedBuffer<float>(y);
            Elementwise.Axpy(-1.5, input.Pointer, output.Pointer, n);
            values.AssertClose(x.Zip(y, (u, v) => v - 1.5 * u).ToArray(), output.Span, 6e-7, 1.2e-7);
            Elementwise.Affine(input.Pointer, 2.5, -0.25, output.Pointer, n);
            values.AssertClose(Array.ConvertAll(x, v => 2.5 * v - 0.25), output.Span, 6e-7, 1.2e-7);
            Elementwise.Fill(output.Pointer, 42f, n);
            Assert.True(output.Span.IndexOfAnyExcept(42f) < 0);
            output.AssertIntact();
        }
    }

    [Fact]
    public void Bits_do_not_depend_on_threads()
    {
        var values = new Values(11);
        var x = values.Floats(400_000);
        Threads.AssertSameBits(() =>
        {
            var y = new float[x.Length];
            fixed (float* px = x)
            fixed (float* py = y)
            {
                Elementwise.Unary(UnaryOp.Gelu, px, py, x.Length);
                Elementwise.Binary(BinaryOp.Multiply, py, [1000, 1], px, [0, 1], py, [400, 1000]);
            }

            return y;
        });
    }

    private static float[] Domain(UnaryOp op, float[] x) => op is UnaryOp.Log or UnaryOp.Sqrt ? Array.ConvertAll(x, Math.Abs) : x;

    private static double Exact(UnaryOp op, double x) => op switch
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

    private static double Exact(BinaryOp op, double a, double b) => op switch
    {
        BinaryOp.Add => a + b,
        BinaryOp.Subtract => a - b,
        BinaryOp.Multiply => a * b,
        BinaryOp.Divide => a / b,
        BinaryOp.Weigh => a == 0 ? 0 : a * b,
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };

    private static long Extent(long[] dims, long[] strides)
    {
        var last = 0L;
        for (var d = 0; d < dims.Length; d++)
            last += Math.Max(0, dims[d] - 1) * strides[d];
        return last + 1;
    }

    private static long Offset(long index, long[] dims, long[] strides)
    {
        var offset = 0L;
        for (var d = dims.Length - 1; d >= 0; d--)
        {
            offset += index % dims[d] * strides[d];
            index /= dims[d];
        }

        return offset;
    }
}
