using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

[Collection(CpuThreads.Collection)]
public sealed unsafe class SoftmaxTests
{
    // e^x and the sums are good to about 2^-23; a row's error does not grow with its length, but the exponent's argument is
    // rounded at its own size, here up to 30: 30 * 2^-24 = 2e-6.
    private const double Relative = 4e-6;

    public static TheoryData<int, int> Sizes() => new()
    {
        { 0, 5 }, { 1, 1 }, { 3, 2 }, { 7, 10 }, { 5, 15 }, { 5, 16 }, { 5, 17 }, { 4, 33 }, { 3, 1000 }, { 2000, 10 }, { 1, 5001 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Softmax_and_its_logarithm_equal_the_oracle(int rows, int d)
    {
        var values = new Values();
        var x = values.Floats(rows * d, 5);
        var dy = values.Floats(rows * d);
        foreach (var log in (bool[])[false, true])
        {
            var wanted = Oracle(x, rows, d, log);
            var wantedDx = OracleBackward(wanted, dy, rows, d, log);

            using var input = new GuardedBuffer<float>(x);
            using var output = new GuardedBuffer<float>(x.Length);
            Softmax.Forward(input.Pointer, output.Pointer, rows, d, log);
            output.AssertIntact();
            values.AssertClose(wanted, output.Span, log ? 1e-6 : 1e-30, Relative);

            using var y = new GuardedBuffer<float>(Array.ConvertAll(wanted, v => (float)v));
            using var gradient = new GuardedBuffer<float>(dy);
            using var dx = new GuardedBuffer<float>(x.Length);
            Softmax.Backward(y.Pointer, gradient.Pointer, dx.Pointer, rows, d, log);
            dx.AssertIntact();
            // The row's sum of d terms of size 1, times y <= 1.
            values.AssertClose(wantedDx, dx.Span, 2e-6 + 2e-7 * Math.Sqrt(d), Relative);

            using var wideInput = new GuardedBuffer<double>(Values.Wide(x));
            using var wideOutput = new GuardedBuffer<double>(x.Length);
            using var wideDy = new GuardedBuffer<double>(Values.Wide(dy));
            Softmax.Forward(wideInput.Pointer, wideOutput.Pointer, rows, d, log);
            values.AssertClose(wanted, wideOutput.Span, 1e-14, 1e-13);
            Softmax.Backward(wideOutput.Pointer, wideDy.Pointer, wideDy.Pointer, rows, d, log);
            wideDy.AssertIntact();
            values.AssertClose(wantedDx, wideDy.Span, 1e-12, 1e-12);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Cross_entropy_equals_the_oracle(int rows, int classes)
    {
        var values = new Values();
        var x = values.Floats(rows * classes, 5);
        var labels = values.Ints(rows, classes);
        var dy = values.Floats(rows);
        var log = Oracle(x, rows, classes, log: true);
        var wanted = new double[rows];
        var wantedDx = new double[x.Length];
        for (var r = 0; r < rows; r++)
        {
            wanted[r] = -log[r * classes + labels[r]];
            for (var c = 0; c < classes; c++)
                wantedDx[r * classes + c] = dy[r] * (Math.Exp(log[r * classes + c]) - (c == labels[r] ? 1 : 0));
        }

        using var input = new GuardedBuffer<float>(x);
        using var index = new GuardedBuffer<int>(labels);
        using var losses = new GuardedBuffer<float>(rows);
        Softmax.CrossEntropy(input.Pointer, index.Pointer, losses.Pointer, rows, classes);
        losses.AssertIntact();
        values.AssertClose(wanted, losses.Span, 1e-6, Relative);

        using var gradient = new GuardedBuffer<float>(dy);
        using var dx = new GuardedBuffer<float>(x.Length);
        Softmax.CrossEntropyBackward(input.Pointer, index.Pointer, gradient.Pointer, dx.Pointer, rows, classes);
        dx.AssertIntact();
        values.AssertClose(wantedDx, dx.Span, 3e-6, Relative);

        using var wide = new GuardedBuffer<double>(Values.Wide(x));
        using var wideLosses = new GuardedBuffer<double>(rows);
        using var wideDy = new GuardedBuffer<double>(Values.Wide(dy));
        Softmax.CrossEntropy(wide.Pointer, index.Pointer, wideLosses.Pointer, rows, classes);
        values.AssertClose(wanted, wideLosses.Span, 1e-13, 1e-13);
        Softmax.CrossEntropyBackward(wide.Pointer, index.Pointer, wideDy.Pointer, wide.Pointer, rows, classes);
        wide.AssertIntact();
        values.AssertClose(wantedDx, wide.Span, 1e-13, 1e-12);
    }

    [Fact]
    public void Large_logits_do_not_overflow()
    {
        var x = stackalloc float[] { 1000f, 999f, -1000f, -3e38f, 3e38f, 0f };
        var y = stackalloc float[6];
        Softmax.Forward(x, y, 2, 3, log: true);
        Assert.Equal(-0.3132617f, y[0], 1e-6f);
        Assert.Equal(-1.3132617f, y[1], 1e-6f);
        Assert.Equal(-2000.3132f, y[2], 1e-3f);
        Assert.Equal(0f, y[4]);
        var label = 1;
        float loss;
        Softmax.CrossEntropy(x, &label, &loss, 1, 3);
        Assert.Equal(1.3132617f, loss, 1e-6f);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void A_label_out_of_range_is_refused(int label)
    {
        var error = Record.Exception(() => Run(label));
        Assert.Equal(ErrorCode.BadInput, Assert.IsType<EscException>(error).Code);
        Assert.Contains($"label 1 is {label}, wants 0 to 2", error.Message, StringComparison.Ordinal);

        static void Run(int label)
        {
            var labels = stackalloc int[] { 0, label };
            var x = stackalloc float[6];
            var y = stackalloc float[6];
            Softmax.CrossEntropy(x, labels, y, 2, 3);
        }
    }

    [Fact]
    public void Bits_do_not_depend_on_threads()
    {
        var x = new Values(17).Floats(5000 * 37);
        Threads.AssertSameBits(() =>
        {
            var y = new float[x.Length];
            fixed (float* px = x)
            fixed (float* py = y)
            {
                Softmax.Forward(px, py, 5000, 37, log: false);
                Softmax.Backward(py, px, py, 5000, 37, log: false);
            }

            return y;
        });
    }

    private static double[] Oracle(float[] x, int rows, int d, bool log)
    {
        var y = new double[x.Length];
        for (var r = 0; r < rows; r++)
        {
            var row = x.AsSpan(r * d, d);
            var max = double.NegativeInfinity;
            foreach (var v in row)
                max = Math.Max(max, v);
            var sum = 0.0;
            foreach (var v in row)
                sum += Math.Exp(v - max);
            for (var c = 0; c < d; c++)
                y[r * d + c] = log ? row[c] - max - Math.Log(sum) : Math.Exp(row[c] - max) / sum;
        }

        return y;
    }

    private static double[] OracleBackward(double[] y, float[] dy, int rows, int d, bool log)
    {
        var dx = new double[y.Length];
        for (var r = 0; r < rows; r++)
        {
            var sum = 0.0;
            for (var c = r * d; c < (r + 1) * d; c++)
                sum += log ? dy[c] : dy[c] * y[c];
            for (var c = r * d; c < (r + 1) * d; c++)
                dx[c] = log ? dy[c] - Math.Exp(y[c]) * sum : y[c] * (dy[c] - sum);
        }

        return dx;
    }
}
