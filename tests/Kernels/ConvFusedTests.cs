using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>The fused convolution, from and into images with a halo, against its definition in double.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class ConvFusedTests
{
    private const float HaloMark = 1e9f;

    private static readonly int Seed = Environment.TickCount & 0xFFFF;

    /// <summary>Sizes; halos of input, output and residual; a residual of -1 is the output itself, -2 is none.</summary>
    public static TheoryData<WindowShape, int, int, int> Cases()
    {
        var cases = new TheoryData<WindowShape, int, int, int>();
        WindowShape[] shapes =
        [
            new(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
            new(0, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1),
            new(3, 8, 8, 3, 48, 3, 3, 1, 1, 1, 1, 1, 1),
            new(5, 8, 7, 20, 100, 3, 3, 1, 1, 1, 1, 1, 1),
            new(2, 9, 11, 5, 17, 3, 5, 2, 3, 0, 2, 1, 0),
            new(2, 8, 8, 16, 30, 1, 1, 2, 2, 0, 0, 0, 0),
            new(1, 6, 5, 3, 50, 7, 7, 2, 2, 3, 3, 3, 3),
            // Several chunks of taps: the residual comes first, ReLU last.
            new(2, 4, 4, 200, 70, 3, 3, 1, 1, 1, 1, 1, 1),
            // Without input there is still bias, residual and ReLU.
            new(2, 3, 3, 0, 20, 3, 3, 1, 1, 1, 1, 1, 1),
            // Strips of one image.
            new(1, 70, 60, 32, 16, 3, 3, 1, 1, 1, 1, 1, 1),
        ];
        foreach (var s in shapes)
        {
            cases.Add(s, 0, 0, -2);
            cases.Add(s, 1, 2, -1);
            cases.Add(s, 3, 0, 1);
            cases.Add(s, 0, 1, 0);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_fused_pass_equals_its_definition(WindowShape s, int inputHalo, int outputHalo, int residualHalo)
    {
        var random = new Random(Seed);
        using var x = new Image(random, s.Batch, s.Height, s.Width, s.InChannels, inputHalo);
        x.View.ClearHalo(s.Batch);
        using var y = new Image(random, s.Batch, s.OutHeight, s.OutWidth, s.OutChannels, outputHalo);
        using var other = new Image(random, s.Batch, s.OutHeight, s.OutWidth, s.OutChannels, Math.Max(0, residualHalo));
        using var w = Random(random, (long)s.OutChannels * s.KernelHeight * s.KernelWidth * s.InChannels);
        using var bias = Random(random, s.OutChannels);
        using var weight = new PackedConvWeight(s.OutChannels, s.KernelHeight, s.KernelWidth, s.InChannels, w.Pointer);
        var residual = residualHalo switch { -2 => default, -1 => y.View, _ => other.View };
        var start = y.Block.Span.ToArray();
        foreach (var relu in (bool[])[false, true])
        {
            // ReLU of half the cases, and bias of some, are enough.
            var epilogue = new ConvEpilogue(relu || residualHalo != 0 ? (nint)bias.Pointer : 0, residual, relu);
            start.CopyTo(y.Block.Span);
            var expected = Expected(s, x.View, w.Span, epilogue);
            CpuThreads.ForEach([1, 3], _ =>
            {
                start.CopyTo(y.Block.Span);
                Conv.Forward(s, x.View, weight, epilogue, y.View);
                y.AssertHaloIntact();
                Check(s, expected, y.View);
            });
        }
    }

    [Theory]
    [InlineData(1, 5, 1, 0, 0)]
    [InlineData(7, 5, 3, 1, 2)]
    [InlineData(33, 20, 3, 1, 0)]
    [InlineData(1, 1300, 1, 0, 1)]
    [InlineData(7, 1300, 1, 0, 0)]
    [InlineData(32, 1301, 1, 1, 0)]
    public void A_function_comes_last(int outChannels, int inChannels, int kernel, int inputHalo, int outputHalo)
    {
        var random = new Random(Seed);
        var s = new WindowShape(2, 5, 4, inChannels, outChannels, kernel, kernel, 1, 1, kernel / 2, kernel / 2, kernel / 2, kernel / 2);
        using var x = new Image(random, s.Batch, s.Height, s.Width, inChannels, inputHalo);
        x.View.ClearHalo(s.Batch);
        using var y = new Image(random, s.Batch, s.OutHeight, s.OutWidth, outChannels, outputHalo);
        using var w = Random(random, (long)outChannels * kernel * kernel * inChannels);
        using var bias = Random(random, outChannels);
        using var weight = new PackedConvWeight(outChannels, kernel, kernel, inChannels, w.Pointer);
        var start = y.Block.Span.ToArray();
        foreach (var function in (UnaryOp[])[UnaryOp.Gelu, UnaryOp.GeluTanh, UnaryOp.Silu, UnaryOp.Relu6])
        {
            // Alternately with a residual and without: each function has both over the cases.
            var residual = ((int)function + inChannels + outChannels) % 2 == 0 ? y.View : default;
            var epilogue = new ConvEpilogue((nint)bias.Pointer, residual, false, function);
            start.CopyTo(y.Block.Span);
            var expected = Expected(s, x.View, w.Span, epilogue);
            CpuThreads.ForEach([1, 3], _ =>
            {
                start.CopyTo(y.Block.Span);
                Conv.Forward(s, x.View, weight, epilogue, y.View);
                y.AssertHaloIntact();
                Check(s, expected, y.View);
            });
        }
    }

    [Theory]
    [InlineData(48, 48, 8, 3, 1)]
    [InlineData(3, 20, 16, 3, 1)]
    [InlineData(300, 40, 4, 3, 1)]
    [InlineData(16, 64, 8, 1, 2)]
    public void A_pixel_does_not_depend_on_the_other_images_nor_on_halos(int inChannels, int outChannels, int size, int kernel, int stride)
    {
        const int Images = 9;
        var random = new Random(Seed);
        var s = new WindowShape(Images, size, size, inChannels, outChannels, kernel, kernel, stride, stride, kernel / 2, kernel / 2, kernel / 2, kernel / 2);
        using var x = new Image(random, Images, size, size, inChannels, 0);
        using var padded = new Image(random, Images, size, size, inChannels, 2);
        padded.View.ClearHalo(Images);
        for (var i = 0; i < Images * size; i++)
        {
            var (image, row) = (i / size, i % size);
            new Span<float>(x.View.At(image, row, 0), size * inChannels).CopyTo(new(padded.View.At(image, row, 0), size * inChannels));
        }

        using var w = Random(random, (long)outChannels * kernel * kernel * inChannels);
        using var bias = Random(random, outChannels);
        using var weight = new PackedConvWeight(outChannels, kernel, kernel, inChannels, w.Pointer);
        using var together = new Image(random, Images, s.OutHeight, s.OutWidth, outChannels, 0);
        using var apart = new Image(random, Images, s.OutHeight, s.OutWidth, outChannels, 1);
        var epilogue = new ConvEpilogue((nint)bias.Pointer, default, true);
        CpuThreads.ForEach([1, 2], _ =>
        {
            Conv.Forward(s, x.View, weight, epilogue, together.View);
            var at = 0;
            foreach (var count in (int[])[1, 3, 0, 5])
            {
                var from = padded.View with { Data = (nint)padded.View.At(at, 0, 0) };
                var to = apart.View with { Data = (nint)apart.View.At(at, 0, 0) };
                Conv.Forward(s with { Batch = count }, from, weight, epilogue, to);
                at += count;
            }

            for (var i = 0; i < Images * s.OutHeight; i++)
            {
                var (image, row) = (i / s.OutHeight, i % s.OutHeight);
                var values = s.OutWidth * outChannels;
                Assert.True(
                    new Span<float>(together.View.At(image, row, 0), values).SequenceEqual(new(apart.View.At(image, row, 0), values)),
                    $"image {image}, row {row}, seed {Seed}");
            }
        });
    }

    [Theory]
    [InlineData(32)]
    [InlineData(5)]
    public void Relu_keeps_NaN(int channels)
    {
        var s = new WindowShape(1, 4, 4, 3, channels, 1, 1, 1, 1, 0, 0, 0, 0);
        var random = new Random(Seed);
        using var x = new Image(random, 1, 4, 4, 3, 0);
        using var y = new Image(random, 1, 4, 4, channels, 0);
        using var w = Random(random, channels * 3);
        using var weight = new PackedConvWeight(channels, 1, 1, 3, w.Pointer);
        x.View.At(0, 2, 1)[1] = float.NaN;
        Conv.Forward(s, x.View, weight, new ConvEpilogue(0, default, true), y.View);
        for (var i = 0; i < 16; i++)
        {
            var pixel = new Span<float>(y.View.At(0, i / 4, i % 4), channels);
            foreach (var value in pixel)
                Assert.True(i == 9 ? float.IsNaN(value) : value >= 0, $"pixel {i}: {value}, seed {Seed}");
        }
    }

    [Fact]
    public void Images_of_other_sizes_are_refused()
    {
        var s = new WindowShape(1, 4, 4, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1);
        var random = new Random(Seed);
        using var x = new Image(random, 1, 4, 4, 2, 1);
        using var y = new Image(random, 1, 4, 4, 3, 0);
        using var w = Random(random, 3 * 3 * 3 * 2);
        using var weight = new PackedConvWeight(3, 3, 3, 2, w.Pointer);
        string Refused(ImageView from, ImageView residual, ImageView to) =>
            Assert.Throws<ArgumentException>(() => Conv.Forward(s, from, weight, new ConvEpilogue(0, residual, false), to)).Message;
        Assert.Contains("input is (4, 4, 3)", Refused(y.View, default, y.View), StringComparison.Ordinal);
        Assert.Contains("residual is (4, 4, 2)", Refused(x.View, x.View, y.View), StringComparison.Ordinal);
        Assert.Contains("output is (4, 5, 3)", Refused(x.View, default, y.View with { Width = 5 }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_convolution_ends_in_one_function()
    {
        Assert.Contains("got ReLU and Gelu", Assert.Throws<ArgumentException>(() => new ConvEpilogue(0, default, true, UnaryOp.Gelu)).Message, StringComparison.Ordinal);
        Assert.Contains("got Exp", Assert.Throws<ArgumentException>(() => new ConvEpilogue(0, default, false, UnaryOp.Exp)).Message, StringComparison.Ordinal);
        Assert.Contains("got ReLU and Silu", Assert.Throws<ArgumentException>(() => EscNative.Kernels.Cuda.ConvForwardKernels.FunctionOf(true, UnaryOp.Silu)).Message, StringComparison.Ordinal);
        Assert.Equal(UnaryOp.Gelu, new ConvEpilogue(0, default, false, UnaryOp.Gelu).Function);
    }

    private static double[] Expected(WindowShape s, ImageView x, Span<float> w, ConvEpilogue epilogue)
    {
        var values = new double[s.Batch * s.OutHeight * s.OutWidth * s.OutChannels];
        for (var i = 0; i < values.Length; i++)
        {
            var o = i % s.OutChannels;
            var column = i / s.OutChannels % s.OutWidth;
            var row = i / s.OutChannels / s.OutWidth % s.OutHeight;
            var image = i / s.OutChannels / s.OutWidth / s.OutHeight;
            var sum = epilogue.Bias == 0 ? 0.0 : ((float*)epilogue.Bias)[o];
            if (!epilogue.Residual.IsNone)
                sum += epilogue.Residual.At(image, row, column)[o];
            for (var ky = 0; ky < s.KernelHeight; ky++)
            {
                for (var kx = 0; kx < s.KernelWidth; kx++)
                {
                    var (r, c) = (row * s.StrideHeight + ky - s.PadTop, column * s.StrideWidth + kx - s.PadLeft);
                    if (r < 0 || r >= s.Height || c < 0 || c >= s.Width)
                        continue;
                    var pixel = x.At(image, r, c);
                    var tap = ((o * s.KernelHeight + ky) * s.KernelWidth + kx) * s.InChannels;
                    for (var channel = 0; channel < s.InChannels; channel++)
                        sum += (double)pixel[channel] * w[tap + channel];
                }
            }

            values[i] = epilogue.Function switch
            {
                UnaryOp.Gelu => 0.5 * sum * (1 + ErrorFunction.Erf(sum / Math.Sqrt(2))),
                UnaryOp.GeluTanh => 0.5 * sum * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (sum + (0.044715 * sum * sum * sum)))),
                UnaryOp.Silu => sum / (1 + Math.Exp(-sum)),
                UnaryOp.Relu6 => Math.Clamp(sum, 0, 6),
                _ => epilogue.Relu ? Math.Max(sum, 0) : sum,
            };
        }

        return values;
    }

    private static void Check(WindowShape s, double[] expected, ImageView y)
    {
        // As in ConvTests: terms below 1, rounded once each; 12 for the worst of many values.
        var terms = s.KernelHeight * s.KernelWidth * s.InChannels + 2;
        var tolerance = 12 * Math.Sqrt(terms) * Math.Max(1, Math.Sqrt(terms) / 3) * Math.Pow(2, -24);
        for (var i = 0; i < expected.Length; i++)
        {
            var pixel = i / s.OutChannels;
            var got = y.At(pixel / s.OutWidth / s.OutHeight, pixel / s.OutWidth % s.OutHeight, pixel % s.OutWidth)[i % s.OutChannels];
            if (!(Math.Abs(got - expected[i]) <= tolerance))
                Assert.Fail($"y[{i}]: {got}, wants {expected[i]} +- {tolerance}; seed {Seed}");
        }
    }

    private static GuardedBuffer<float> Random(Random random, long count)
    {
        var buffer = new GuardedBuffer<float>(count);
        foreach (ref var value in buffer.Span)
            value = 2 * random.NextSingle() - 1;
        return buffer;
    }

    /// <summary>Random images whose halo holds a mark, between guards.</summary>
    private sealed class Image : IDisposable
    {
        private readonly int _batch;

        public Image(Random random, int batch, int height, int width, int channels, int halo)
        {
            _batch = batch;
            Block = new GuardedBuffer<float>(batch * new ImageView(0, height, width, channels, halo).ImageStride);
            View = ImageView.InBlock(Block.Pointer, height, width, channels, halo);
            Block.Span.Fill(HaloMark);
            foreach (var value in Values())
                *(float*)value = 2 * random.NextSingle() - 1;
        }

        public GuardedBuffer<float> Block { get; }

        public ImageView View { get; }

        public void AssertHaloIntact()
        {
            Block.AssertIntact();
            var marks = 0;
            foreach (var value in Block.Span)
                marks += value == HaloMark ? 1 : 0;
            Assert.Equal(Block.Span.Length - (_batch * View.Height * View.Width * View.Channels), marks);
        }

        public void Dispose() => Block.Dispose();

        private IEnumerable<nint> Values()
        {
            for (var i = 0; i < _batch * View.Height * View.Width; i++)
            {
                for (var c = 0; c < View.Channels; c++)
                    yield return Place(i, c);
            }
        }

        private nint Place(int pixel, int channel) =>
            (nint)(View.At(pixel / View.Width / View.Height, pixel / View.Width % View.Height, pixel % View.Width) + channel);
    }
}
