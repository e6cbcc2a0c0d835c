using System.Runtime.InteropServices;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Convolutions and their gradients against their definition in double, with guards around every output.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class ConvTests
{
    private static readonly int Seed = Environment.TickCount & 0xFFFF;

    public static TheoryData<WindowShape> Shapes() => new(
    [
        // batch, height, width, in, out, kernel, stride, padding (top, left, bottom, right)
        new WindowShape(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
        new WindowShape(0, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(2, 5, 7, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(3, 8, 8, 3, 48, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(2, 8, 8, 48, 96, 3, 3, 2, 2, 1, 1, 1, 1),
        new WindowShape(5, 4, 4, 96, 100, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(2, 9, 11, 5, 17, 3, 5, 2, 3, 0, 2, 1, 0),
        new WindowShape(1, 13, 6, 7, 64, 1, 1, 1, 1, 0, 0, 0, 0),
        new WindowShape(4, 7, 7, 16, 33, 1, 1, 2, 2, 0, 0, 0, 0),
        // Strides larger than the kernel: pixels of x that nothing reads.
        new WindowShape(2, 9, 8, 6, 10, 1, 2, 3, 4, 0, 0, 0, 0),
        // Padding as wide as the kernel, and more on one side.
        new WindowShape(1, 4, 5, 2, 3, 2, 3, 2, 1, 3, 4, 2, 5),
        new WindowShape(2, 6, 6, 4, 8, 5, 5, 3, 3, 2, 2, 2, 2),
        // The kernel covers the whole image; and it does not fit.
        new WindowShape(3, 6, 6, 20, 9, 6, 6, 1, 1, 0, 0, 0, 0),
        new WindowShape(2, 3, 3, 4, 4, 5, 5, 1, 1, 0, 0, 0, 0),
        new WindowShape(2, 3, 3, 0, 4, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(2, 3, 3, 4, 0, 3, 3, 1, 1, 1, 1, 1, 1),
        // Deeper than one chunk of taps; an edge panel there.
        new WindowShape(2, 4, 4, 200, 70, 3, 3, 1, 1, 1, 1, 1, 1),
        // Patches of a vision transformer.
        new WindowShape(2, 16, 16, 3, 40, 8, 8, 8, 8, 0, 0, 0, 0),
        // Strips: one image whose rows do not fit a group.
        new WindowShape(1, 70, 60, 32, 16, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(1, 70, 61, 32, 8, 3, 3, 2, 2, 1, 1, 1, 1),
        new WindowShape(1, 41, 300, 24, 8, 1, 1, 1, 1, 0, 0, 0, 0),
        // Many small images in a group.
        new WindowShape(70, 2, 2, 8, 24, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(20, 16, 16, 4, 20, 3, 3, 1, 1, 1, 1, 1, 1),
        // Dilations (rows, columns) and groups of channels; also larger than the image, and without a tap for some remainders of a stride.
        new WindowShape(2, 9, 8, 3, 5, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2),
        new WindowShape(2, 11, 9, 5, 17, 3, 2, 2, 1, 3, 0, 1, 2, 3, 1),
        new WindowShape(1, 12, 13, 4, 6, 3, 3, 2, 3, 2, 3, 2, 3, 2, 3),
        new WindowShape(1, 7, 9, 4, 6, 2, 3, 3, 4, 5, 1, 0, 4, 3, 2),
        new WindowShape(1, 5, 5, 2, 3, 3, 3, 1, 1, 6, 6, 6, 6, 6, 6),
        new WindowShape(2, 6, 7, 6, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2),
        new WindowShape(2, 5, 6, 9, 51, 1, 3, 1, 2, 0, 1, 0, 2, 1, 1, 3),
        new WindowShape(2, 8, 8, 64, 96, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 2),
        new WindowShape(3, 8, 7, 20, 40, 3, 3, 1, 2, 2, 1, 2, 1, 2, 1, 5),
        new WindowShape(2, 7, 7, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 8),
        new WindowShape(1, 40, 33, 24, 24, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 3),
        new WindowShape(1, 3, 3, 2, 2, 3, 3, 1, 1, 0, 0, 0, 0, 2, 2, 2),
        new WindowShape(0, 5, 5, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 2, 1, 2),
        // Depthwise, also with several outputs of a channel.
        new WindowShape(2, 9, 10, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 7),
        new WindowShape(2, 17, 12, 40, 40, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 40),
        new WindowShape(3, 11, 13, 18, 18, 5, 3, 2, 1, 3, 0, 1, 4, 2, 3, 18),
        new WindowShape(2, 9, 7, 5, 10, 3, 3, 1, 2, 1, 1, 1, 1, 1, 1, 5),
        new WindowShape(2, 8, 9, 16, 48, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 16),
        new WindowShape(1, 6, 5, 9, 18, 2, 2, 3, 3, 4, 3, 0, 5, 3, 1, 9),
        new WindowShape(3, 1, 5, 33, 33, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 33),
        // Images so small that parts of the kernel meet padding alone: all but the middle, a corner, two rows, nothing at all.
        new WindowShape(3, 1, 1, 8, 20, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(3, 2, 2, 8, 20, 3, 3, 2, 2, 1, 1, 1, 1),
        new WindowShape(2, 1, 5, 6, 33, 3, 3, 1, 1, 1, 1, 1, 1),
        new WindowShape(2, 2, 1, 6, 10, 7, 7, 1, 1, 3, 3, 3, 3),
        new WindowShape(2, 2, 3, 6, 10, 7, 5, 2, 3, 3, 1, 3, 2),
        new WindowShape(2, 1, 2, 6, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2),
        new WindowShape(2, 3, 1, 4, 6, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 2),
        new WindowShape(2, 1, 1, 4, 6, 2, 2, 1, 1, 1, 1, 1, 1, 2, 2),
        new WindowShape(2, 1, 1, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 5),
    ]);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void All_passes_equal_their_definition(WindowShape s)
    {
        var data = new Data(s);
        var oracle = new Oracle(s, data);
        CpuThreads.ForEach([1, 3], _ =>
        {
            Check("y", oracle.Y, s.Taps, y => Conv.Forward(s, data.X.Pointer, data.W.Pointer, data.B.Pointer, y));
            Check("dx", oracle.Dx, s.KernelHeight * s.KernelWidth * s.GroupOutChannels, dx => Conv.DataGradient(s, data.Dy.Pointer, data.W.Pointer, dx));
            Check("dw", oracle.Dw, s.OutPixels, dw => Conv.WeightGradient(s, data.X.Pointer, data.Dy.Pointer, dw));
            Check("db", oracle.Db, s.OutPixels, db => Conv.BiasGradient(s, data.Dy.Pointer, db));
        });
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void All_passes_in_double_equal_their_definition(WindowShape s)
    {
        var data = new Data(s);
        var oracle = new Oracle(s, data);
        using GuardedBuffer<double> x = Widen(data.X), w = Widen(data.W), b = Widen(data.B), dy = Widen(data.Dy);
        CheckDouble("y", oracle.Y, y => Conv.Forward(s, x.Pointer, w.Pointer, b.Pointer, y));
        CheckDouble("dx", oracle.Dx, dx => Conv.DataGradient(s, dy.Pointer, w.Pointer, dx));
        CheckDouble("dw", oracle.Dw, dw => Conv.WeightGradient(s, x.Pointer, dy.Pointer, dw));
        CheckDouble("db", oracle.Db, db => Conv.BiasGradient(s, dy.Pointer, db));
    }

    [Theory]
    [InlineData(4, 16, 16, 48, 48, 1)]
    [InlineData(9, 16, 16, 3, 70, 1)]
    [InlineData(8, 32, 32, 24, 24, 2)]
    // One image: divided by output channels too.
    [InlineData(1, 8, 8, 96, 200, 1)]
    public void Results_are_equal_bit_for_bit_for_any_number_of_threads(int batch, int height, int width, int inChannels, int outChannels, int stride)
    {
        var s = new WindowShape(batch, height, width, inChannels, outChannels, 3, 3, stride, stride, 1, 1, 1, 1);
        Assert.True(s.Flops > 4e6, "too small to run in parallel");
        var data = new Data(s);
        byte[]? expected = null;
        CpuThreads.ForEach([1, 2, 3, 8, 2], threads =>
        {
            using var y = new GuardedBuffer<float>(s.OutPixels * s.OutChannels);
            using var dx = new GuardedBuffer<float>(data.X.Span.Length);
            using var dw = new GuardedBuffer<float>(data.W.Span.Length);
            using var db = new GuardedBuffer<float>(s.OutChannels);
            Conv.Forward(s, data.X.Pointer, data.W.Pointer, data.B.Pointer, y.Pointer);
            Conv.DataGradient(s, data.Dy.Pointer, data.W.Pointer, dx.Pointer);
            Conv.WeightGradient(s, data.X.Pointer, data.Dy.Pointer, dw.Pointer);
            Conv.BiasGradient(s, data.Dy.Pointer, db.Pointer);
            var bytes = MemoryMarshal.AsBytes<float>([.. y.Span, .. dx.Span, .. dw.Span, .. db.Span]).ToArray();
            Assert.True(bytes.AsSpan().SequenceEqual(expected ??= bytes), $"{threads} threads, seed {Seed}");
        });
    }

    [Fact]
    public void Packed_weights_give_the_same_bits_and_bias_may_be_absent()
    {
        var s = new WindowShape(2, 6, 5, 7, 50, 3, 3, 1, 1, 1, 1, 1, 1);
        var data = new Data(s);
        using var zeros = new GuardedBuffer<float>(s.OutChannels);
        zeros.Span.Clear();
        using var packed = new PackedConvWeight(s.OutChannels, s.KernelHeight, s.KernelWidth, s.InChannels, data.W.Pointer);
        using var expected = new GuardedBuffer<float>(s.OutPixels * s.OutChannels);
        using var got = new GuardedBuffer<float>(s.OutPixels * s.OutChannels);
        Conv.Forward(s, data.X.Pointer, data.W.Pointer, zeros.Pointer, expected.Pointer);
        Conv.Forward(s, data.X.Pointer, packed, null, got.Pointer);
        Assert.True(expected.Span.SequenceEqual(got.Span), $"seed {Seed}");
        got.AssertIntact();
    }

    [Fact]
    public void Packed_weights_of_other_sizes_are_refused()
    {
        var s = new WindowShape(1, 4, 4, 2, 3, 1, 1, 1, 1, 0, 0, 0, 0);
        var data = new Data(s);
        var packed = new PackedConvWeight(s.OutChannels, 1, 1, s.InChannels, data.W.Pointer);
        using var y = new GuardedBuffer<float>(s.OutPixels * s.OutChannels);
        var error = Assert.Throws<ArgumentException>(() =>
            Conv.Forward(s with { InChannels = 3 }, data.X.Pointer, packed, null, y.Pointer));
        Assert.Contains("(3, 1, 1, 2, 1)", error.Message, StringComparison.Ordinal);
        packed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Conv.Forward(s, data.X.Pointer, packed, null, y.Pointer));
    }

    [Theory]
    [InlineData(32, 3, 1, 1, 32)]
    [InlineData(32, 3, 2, 1, 16)]
    [InlineData(8, 1, 1, 0, 8)]
    [InlineData(7, 3, 2, 0, 3)]
    [InlineData(2, 5, 1, 1, 0)]
    public void Output_sizes_follow_the_formula(int size, int kernel, int stride, int pad, int expected)
    {
        var s = new WindowShape(1, size, size + 1, 1, 1, kernel, kernel, stride, stride, pad, pad, pad, pad);
        Assert.Equal(expected, s.OutHeight);
        Assert.Equal(expected * (double)s.OutWidth * 2 * kernel * kernel, s.Flops);
    }

    private delegate void Kernel(float* output);

    private delegate void KernelDouble(double* output);

    private static void Check(string name, double[] expected, long terms, Kernel kernel)
    {
        using var output = new GuardedBuffer<float>(expected.Length);
        kernel(output.Pointer);
        output.AssertIntact();
        // Terms are below 1: sums of n of them grow like sqrt(n) and are rounded n times; 12 for the worst of many values.
        var tolerance = 12 * Math.Sqrt(terms + 1) * Math.Max(1, Math.Sqrt(terms) / 3) * Math.Pow(2, -24);
        for (var i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(output.Span[i] - expected[i]) <= tolerance))
                Assert.Fail($"{name}[{i}]: {output.Span[i]}, wants {expected[i]} +- {tolerance}; seed {Seed}");
        }
    }

    private static void CheckDouble(string name, double[] expected, KernelDouble kernel)
    {
        using var output = new GuardedBuffer<double>(expected.Length);
        kernel(output.Pointer);
        output.AssertIntact();
        for (var i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(output.Span[i] - expected[i]) <= 1e-10))
                Assert.Fail($"{name}[{i}]: {output.Span[i]}, wants {expected[i]}; seed {Seed}");
        }
    }

    private static GuardedBuffer<float> Random(Random random, long count)
    {
        var buffer = new GuardedBuffer<float>(count);
        foreach (ref var value in buffer.Span)
            value = 2 * random.NextSingle() - 1;
        return buffer;
    }

    private static GuardedBuffer<double> Widen(GuardedBuffer<float> values)
    {
        var wide = new GuardedBuffer<double>(values.Span.Length);
        for (var i = 0; i < values.Span.Length; i++)
            wide.Span[i] = values.Span[i];
        return wide;
    }

    // Not disposed of: the garbage collector never frees them, the process ends soon.
    private sealed class Data(WindowShape s)
    {
        private static readonly Random Source = new(Seed);

        public GuardedBuffer<float> X { get; } = Random(Source, (long)s.Batch * s.Height * s.Width * s.InChannels);

        public GuardedBuffer<float> W { get; } = Random(Source, (long)s.OutChannels * s.Taps);

        public GuardedBuffer<float> B { get; } = Random(Source, s.OutChannels);

        public GuardedBuffer<float> Dy { get; } = Random(Source, s.OutPixels * s.OutChannels);
    }

    // All four passes in one loop over every multiplication of the forward pass.
    private sealed class Oracle
    {
        public Oracle(WindowShape s, Data data)
        {
            Span<float> x = data.X.Span, w = data.W.Span, dy = data.Dy.Span;
            Y = new double[dy.Length];
            Dx = new double[x.Length];
            Dw = new double[w.Length];
            Db = new double[s.OutChannels];
            var channels = s.InChannels / s.Groups;
            for (var at = 0; at < dy.Length; at++)
            {
                var o = at % s.OutChannels;
                var ox = at / s.OutChannels % s.OutWidth;
                var oy = at / s.OutChannels / s.OutWidth % s.OutHeight;
                var n = at / s.OutChannels / s.OutWidth / s.OutHeight;
                double sum = data.B.Span[o], gradient = dy[at];
                Db[o] += gradient;
                for (var ky = 0; ky < s.KernelHeight; ky++)
                {
                    var iy = oy * s.StrideHeight + ky * s.DilationHeight - s.PadTop;
                    for (var kx = 0; kx < s.KernelWidth; kx++)
                    {
                        var ix = ox * s.StrideWidth + kx * s.DilationWidth - s.PadLeft;
                        if (iy < 0 || iy >= s.Height || ix < 0 || ix >= s.Width)
                            continue;
                        var pixel = ((n * s.Height + iy) * s.Width + ix) * s.InChannels + o / (s.OutChannels / s.Groups) * channels;
                        var tap = ((o * s.KernelHeight + ky) * s.KernelWidth + kx) * channels;
                        for (var c = 0; c < channels; c++)
                        {
                            sum += (double)x[pixel + c] * w[tap + c];
                            Dx[pixel + c] += gradient * w[tap + c];
                            Dw[tap + c] += gradient * x[pixel + c];
                        }
                    }
                }

                Y[at] = sum;
            }
        }

        public double[] Y { get; }

        public double[] Dx { get; }

        public double[] Dw { get; }

        public double[] Db { get; }
    }
}
