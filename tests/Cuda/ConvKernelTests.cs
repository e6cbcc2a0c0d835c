using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>The kernels of conv_forward.cu and conv_gradient.cu against the definition in double, in every tile.</summary>
public sealed partial class ConvKernelTests
{
    // Terms are below 1: sums of n of them grow like √n and are rounded n times; for the worst of many values.
    private const double C = 12;

    private static readonly int Seed = DeviceValues.FreshSeed;

    private static readonly WindowShape[] Shapes =
    [
        // batch, height, width, in, out, kernel, stride, padding (top, left, bottom, right)
        new(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
        new(2, 5, 7, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1),
        // The first layer, 48 and 96 channels, with and without a stride; the wider tiles have an edge.
        new(2, 8, 8, 3, 48, 3, 3, 1, 1, 1, 1, 1, 1),
        new(1, 8, 8, 48, 96, 3, 3, 2, 2, 1, 1, 1, 1),
        new(2, 4, 4, 96, 100, 3, 3, 1, 1, 1, 1, 1, 1),
        new(2, 9, 11, 5, 17, 3, 5, 2, 3, 0, 2, 1, 0),
        // Windows of one pixel.
        new(1, 13, 6, 7, 64, 1, 1, 1, 1, 0, 0, 0, 0),
        new(3, 7, 7, 16, 33, 1, 1, 2, 2, 0, 0, 0, 0),
        // Strides larger than the kernel: pixels of x that nothing reads.
        new(2, 9, 8, 6, 10, 1, 2, 3, 4, 0, 0, 0, 0),
        // Padding as wide as the kernel, and more on one side.
        new(1, 4, 5, 2, 3, 2, 3, 2, 1, 3, 4, 2, 5),
        new(2, 6, 6, 4, 8, 5, 5, 3, 3, 2, 2, 2, 2),
        new(2, 7, 6, 4, 4, 7, 6, 1, 2, 3, 3, 3, 3),
        // The kernel covers the whole image; and it does not fit, so that gradients are zeros.
        new(3, 6, 6, 20, 9, 6, 6, 1, 1, 0, 0, 0, 0),
        new(2, 3, 3, 4, 4, 5, 5, 1, 1, 0, 0, 0, 0),
        new(2, 3, 3, 0, 4, 3, 3, 1, 1, 1, 1, 1, 1),
        new(2, 3, 3, 4, 0, 3, 3, 1, 1, 1, 1, 1, 1),
        // A network's stem; patches of a vision transformer.
        new(1, 14, 14, 3, 16, 7, 7, 2, 2, 3, 3, 3, 3),
        new(2, 16, 16, 3, 40, 8, 8, 8, 8, 0, 0, 0, 0),
        // Many small images in a tile.
        new(40, 2, 2, 8, 24, 3, 3, 1, 1, 1, 1, 1, 1),
    ];

    public static TheoryData<string, int> Cases => [.. CudaMachine.Names.SelectMany(_ => (int[])[0, 1], (name, offset) => (name, offset))];

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Cases))]
    public void All_passes_equal_their_definition_in_every_tile(string name, int offset)
    {
        using var machine = CudaMachine.Use(name);
        var forward = new ConvForwardKernels(machine.Context);
        var gradient = new ConvGradientKernels(machine.Context);
        var ran = new HashSet<ProductVariant>();
        foreach (var type in DeviceValues.Types)
        {
            foreach (var s in Shapes)
            {
                // From an offset of one value no address allows a wide load.
                var layer = new Layer(machine, type, s, offset, seed: Seed);
                foreach (var row in ProductRows.Of(ProductPass.Forward, type))
                {
                    layer.Check($"y by {row}", layer.Y, s.Taps, y => forward.Forward(type, s, row, layer.Px, layer.Pw, layer.Pb, 0, relu: false, y));
                    ran.Add(row);
                }

                foreach (var row in ProductRows.Of(ProductPass.DataGradient, type))
                {
                    layer.Check(
                        $"dx by {row}", layer.Dx, s.KernelHeight * s.KernelWidth * s.OutChannels, dx => gradient.Data(type, s, row, layer.Pdy, layer.Pw, dx));
                    ran.Add(row);
                }

                foreach (var row in ProductRows.Of(ProductPass.WeightGradient, type))
                {
                    ran.Add(row);
                    layer.Check(
                        $"dw by {row}", layer.Dw, s.OutPixels,
                        dw => gradient.Weight(type, s, row, (1, (int)Math.Max(s.OutPixels, 1)), layer.Px, layer.Pdy, dw, 0));
                    // Pieces of two steps: the sum over more than one.
                    var (splits, depth) = ProductTiles.Cut(type, s.OutPixels, 64, 32);
                    if (splits == 1)
                        continue;
                    var workspace = machine.Allocate(type.Wide(), splits * (long)layer.Dw.Length);
                    layer.Check(
                        $"dw of {splits} pieces by {row}", layer.Dw, s.OutPixels,
                        dw => gradient.Weight(type, s, row, (splits, (int)depth), layer.Px, layer.Pdy, dw, workspace));
                }
            }
        }

        Assert.Equal(ProductVariants.All.Where(row => row.Pass != ProductPass.Matrix).ToHashSet(), ran);
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Residual_and_rectifier_come_last_and_the_residual_may_be_the_result(string name)
    {
        var s = new WindowShape(2, 5, 6, 7, 21, 3, 3, 1, 1, 1, 1, 1, 1);
        using var machine = CudaMachine.Use(name);
        var kernels = new ConvForwardKernels(machine.Context);
        foreach (var type in DeviceValues.Types)
        {
            var layer = new Layer(machine, type, s, offset: 0, seed: Seed);
            var residual = type.Round(DeviceValues.Random(new Random(Seed), layer.Y.Length));
            // What is not a number stays so.
            residual[5] = double.NaN;
            var y = machine.Upload(type, residual);
            kernels.Forward(type, s, layer.Px, layer.Pw, layer.Pb, y, relu: true, y);
            var expected = layer.Y.Zip(residual, (v, r) => double.IsNaN(r) ? r : Math.Max(v + r, 0)).ToArray();
            type.AssertClose(expected, machine.Download(type, y, expected.Length), C, s.Taps, $"seed {Seed}", Layer.Scale(s.Taps));

            var plain = machine.Allocate(type, layer.Y.Length);
            kernels.Forward(type, s, layer.Px, layer.Pw, 0, 0, relu: false, plain);
            expected = layer.Y.Select((v, i) => v - layer.B[i % s.OutChannels]).ToArray();
            type.AssertClose(expected, machine.Download(type, plain, expected.Length), C, s.Taps, $"without bias, seed {Seed}", Layer.Scale(s.Taps));
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_function_comes_last_with_and_without_a_residual(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ConvForwardKernels(machine.Context);
        foreach (var s in (WindowShape[])[new(2, 5, 6, 7, 21, 3, 3, 1, 1, 1, 1, 1, 1), new(3, 1, 5, 40, 33, 1, 1, 1, 1, 0, 0, 0, 0)])
        {
            foreach (var type in DeviceValues.Types)
            {
                var layer = new Layer(machine, type, s, offset: 0, seed: Seed);
                var residual = type.Round(DeviceValues.Random(new Random(Seed), layer.Y.Length));
                residual[5] = double.NaN;
                // Every row with two of the functions; the only row of a type with all.
                UnaryOp[] functions = [UnaryOp.Gelu, UnaryOp.Silu, UnaryOp.GeluTanh, UnaryOp.Relu6];
                var next = 0;
                var rows = ProductRows.Of(ProductPass.Forward, type).ToArray();
                foreach (var row in rows.Concat(rows.Length == 1 ? rows : []))
                {
                    var y = machine.Upload(type, residual);
                    var function = functions[next++ % 4];
                    kernels.Forward(type, s, row, layer.Px, layer.Pw, layer.Pb, y, relu: false, y, function);
                    Check(function, y, layer.Y.Zip(residual, (v, r) => v + r), $"{function} with a residual by {row}");
                    function = functions[(rows.Length == 1 ? next++ : next) % 4];
                    var plain = machine.Allocate(type, layer.Y.Length);
                    kernels.Forward(type, s, row, layer.Px, layer.Pw, layer.Pb, 0, relu: false, plain, function);
                    Check(function, plain, layer.Y, $"{function} by {row}");
                }

                // The functions' slopes are at most 1.13, which C allows for.
                void Check(UnaryOp function, nint y, IEnumerable<double> sums, string what)
                {
                    double[] wanted = [.. sums.Select(v => function switch
                    {
                        UnaryOp.Gelu => 0.5 * v * (1 + ErrorFunction.Erf(v / Math.Sqrt(2))),
                        UnaryOp.GeluTanh => 0.5 * v * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + (0.044715 * v * v * v)))),
                        UnaryOp.Silu => v / (1 + Math.Exp(-v)),
                        _ => Math.Clamp(v, 0, 6),
                    })];
                    type.AssertClose(wanted, machine.Download(type, y, wanted.Length), C, s.Taps + 2, $"{what}, seed {Seed}", Layer.Scale(s.Taps));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Neither_the_kernel_nor_the_number_of_images_changes_a_bit(string name)
    {
        var s = new WindowShape(5, 6, 7, 12, 52, 3, 3, 2, 1, 1, 1, 1, 1);
        using var machine = CudaMachine.Use(name);
        var kernels = new ConvForwardKernels(machine.Context);
        foreach (var type in DeviceValues.Types)
        {
            var layer = new Layer(machine, type, s, offset: 0, seed: Seed);
            int size = type switch { DType.F32 => 4, DType.BF16 => 2, _ => 8 }, count = layer.Y.Length;
            var y = machine.Allocate(type, count);
            kernels.Forward(type, s, layer.Px, layer.Pw, layer.Pb, 0, relu: false, y);
            var expected = machine.Download(type, y, count);
            foreach (var row in ProductRows.Of(ProductPass.Forward, type))
            {
                var other = machine.Allocate(type, count);
                kernels.Forward(type, s, row, layer.Px, layer.Pw, layer.Pb, 0, relu: false, other);
                Assert.Equal(expected, machine.Download(type, other, count));
            }

            var apart = machine.Allocate(type, count);
            for (var image = 0; image < s.Batch; image++)
            {
                kernels.Forward(
                    type, s with { Batch = 1 }, layer.Px + (image * s.Height * s.Width * s.InChannels * size), layer.Pw, layer.Pb, 0, relu: false,
                    apart + (image * (count / s.Batch) * size));
            }

            Assert.Equal(expected, machine.Download(type, apart, count));
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_NaN_reaches_what_its_pixel_reaches_and_no_more(string name)
    {
        // 27 and 45 values under a window: steps of the sum have places behind them, which lie on other pixels.
        var s = new WindowShape(2, 6, 7, 3, 5, 3, 3, 2, 1, 1, 1, 1, 1);
        using var machine = CudaMachine.Use(name);
        var forward = new ConvForwardKernels(machine.Context);
        var gradient = new ConvGradientKernels(machine.Context);
        foreach (var type in DeviceValues.Types)
        {
            var layer = new Layer(machine, type, s, offset: 0, seed: Seed, notANumber: 40);
            Assert.All((double[][])[layer.Y, layer.Dx, layer.Dw], values => Assert.InRange(values.Count(double.IsNaN), 1, values.Length / 2));
            layer.Check("y", layer.Y, s.Taps, y => forward.Forward(type, s, layer.Px, layer.Pw, layer.Pb, 0, relu: false, y));
            layer.Check("dx", layer.Dx, 45, dx => gradient.Data(type, s, layer.Pdy, layer.Pw, dx));
            layer.Check("dw", layer.Dw, s.OutPixels, dw => gradient.Weight(type, s, layer.Px, layer.Pdy, dw, 0));
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_gradients_as_chosen_are_right_and_give_the_same_bits_again(string name)
    {
        // Enough output pixels for several pieces.
        var s = new WindowShape(3, 21, 20, 5, 9, 3, 3, 1, 1, 1, 1, 1, 1);
        using var machine = CudaMachine.Use(name);
        var kernels = new ConvGradientKernels(machine.Context);
        foreach (var type in DeviceValues.Types)
        {
            var layer = new Layer(machine, type, s, offset: 0, seed: Seed);
            var bytes = ConvGradientKernels.WeightWorkspaceBytes(type, s);
            Assert.True(bytes > 0, "the sum is not cut");
            var workspace = machine.Allocate<byte>(bytes);
            List<double[]> results = [];
            for (var run = 0; run < 2; run++)
            {
                layer.Check("dx", layer.Dx, 9 * s.OutChannels, dx => kernels.Data(type, s, layer.Pdy, layer.Pw, dx));
                results.Add(layer.Check("dw", layer.Dw, s.OutPixels, dw => kernels.Weight(type, s, layer.Px, layer.Pdy, dw, workspace)));
            }

            Assert.Equal(results[0], results[1]);
        }
    }

    [Fact]
    public void The_tile_fits_the_channels()
    {
        static string Forward(long pixels, int channels, DType type = DType.F32) =>
            ProductVariants.Pick(new ProductRequest(ProductPass.Forward, type, pixels, channels, 864, GpuShape.Nominal)).Name;
        static string Weights(int outputs, int taps) =>
            ProductVariants.Pick(new ProductRequest(ProductPass.WeightGradient, DType.F32, outputs, taps, 1000, GpuShape.Nominal)).Name;
        Assert.Equal(
            ["conv_forward_128x32", "conv_forward_128x32", "conv_forward_128x48", "conv_forward_128x64", "conv_forward_128x96", "conv_forward_128x128", "conv_forward_128x96"],
            ((int[])[10, 32, 48, 64, 96, 128, 192]).Select(c => Forward(100_000, c)));
        // Few pixels: small tiles for more blocks.
        Assert.Equal("conv_forward_64x64", Forward(256, 512));
        Assert.Equal("conv_forward_64x64", Forward(100_000, 96, DType.BF16));
        Assert.Equal("conv_weight_gradient_96x128", Weights(96, 864));
        Assert.Equal("conv_weight_gradient_64x64", Weights(48, 27));
        Assert.Equal("conv_weight_gradient_128x128", Weights(512, 4608));
        // Two rounds of blocks on 132 multiprocessors: 7 tiles, 37 pieces of whole steps.
        var s = new WindowShape(1000, 16, 16, 96, 96, 3, 3, 1, 1, 1, 1, 1, 1);
        Assert.Equal((37, 6_928), ConvSplits.Of(DType.F32, s, ProductVariants.Pick(ProductRequest.WeightGradient(DType.F32, s))));
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Nothing_to_do_is_no_launch_and_too_much_is_refused(string name)
    {
        using var machine = CudaMachine.Use(name);
        var forward = new ConvForwardKernels(machine.Context);
        var gradient = new ConvGradientKernels(machine.Context);
        var before = machine.Context.Counters.Launches;
        var s = new WindowShape(0, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1);
        forward.Forward(DType.F32, s, 0, 0, 0, 0, relu: false, 0);
        gradient.Data(DType.F32, s, 0, 0, 0);
        gradient.Weight(DType.F32, s with { OutChannels = 0 }, 0, 0, 0, 0);
        var huge = s with { Batch = 1, Height = 1 << 16, Width = 1 << 16 };
        Assert.Throws<DeviceException>(() => forward.Forward(DType.F32, huge, 0, 0, 0, 0, relu: false, 0));
        Assert.Throws<DeviceException>(() => gradient.Data(DType.F32, s with { Batch = 1, StrideHeight = 300, StrideWidth = 300 }, 0, 0, 0));
        Assert.Equal(before, machine.Context.Counters.Launches);
    }

    // The operands on the device, each in a buffer that ends with its last value, and all results in double.
    private sealed class Layer
    {
        private readonly CudaMachine _machine;
        private readonly DType _type;
        private readonly WindowShape _shape;
        private readonly int _offset;

        public Layer(CudaMachine machine, DType type, WindowShape s, int offset, int seed, int notANumber = -1)
        {
            (_machine, _type, _shape, _offset) = (machine, type, s, offset);
            var random = new Random(seed);
            var x = type.Round(DeviceValues.Random(random, (long)s.Batch * s.Height * s.Width * s.InChannels));
            var w = type.Round(DeviceValues.Random(random, (long)s.OutChannels * s.Taps));
            var dy = type.Round(DeviceValues.Random(random, s.OutPixels * s.OutChannels));
            if (notANumber >= 0)
                x[notANumber] = dy[notANumber] = double.NaN;
            B = type.Wide().Round(DeviceValues.Random(random, s.OutChannels));
            (Px, Pw, Pdy, Pb) = (Shifted(x), Shifted(w), Shifted(dy), machine.Upload(type.Wide(), B));
            (Y, Dx, Dw) = (new double[dy.Length], new double[x.Length], new double[w.Length]);
            var own = s.InChannels / s.Groups;
            for (var at = 0; at < dy.Length; at++)
            {
                var o = at % s.OutChannels;
                var ox = at / s.OutChannels % s.OutWidth;
                var oy = at / s.OutChannels / s.OutWidth % s.OutHeight;
                var n = at / s.OutChannels / s.OutWidth / s.OutHeight;
                double sum = B[o], gradient = dy[at];
                for (var ky = 0; ky < s.KernelHeight; ky++)
                {
                    var iy = (oy * s.StrideHeight) + (ky * s.DilationHeight) - s.PadTop;
                    for (var kx = 0; kx < s.KernelWidth; kx++)
                    {
                        var ix = (ox * s.StrideWidth) + (kx * s.DilationWidth) - s.PadLeft;
                        if (iy < 0 || iy >= s.Height || ix < 0 || ix >= s.Width)
                            continue;
                        var pixel = (((((n * s.Height) + iy) * s.Width) + ix) * s.InChannels) + (o / (s.OutChannels / s.Groups) * own);
                        var tap = ((((o * s.KernelHeight) + ky) * s.KernelWidth) + kx) * own;
                        for (var c = 0; c < own; c++)
                        {
                            sum += x[pixel + c] * w[tap + c];
                            Dx[pixel + c] += gradient * w[tap + c];
                            Dw[tap + c] += gradient * x[pixel + c];
                        }
                    }
                }

                Y[at] = sum;
            }
        }

        public nint Px { get; }

        public nint Pw { get; }

        public nint Pb { get; }

        public nint Pdy { get; }

        public double[] B { get; }

        public double[] Y { get; }

        public double[] Dx { get; }

        public double[] Dw { get; }

        public static double Scale(double terms) => Math.Max(1, Math.Sqrt(terms) / 3);

        public double[] Check(string what, double[] expected, long terms, Action<nint> kernel)
        {
            var result = _machine.Allocate(_type, expected.Length + _offset);
            kernel(result == 0 ? 0 : result + (_offset * Size));
            var got = _machine.Download(_type, result, expected.Length + _offset)[_offset..];
            _type.AssertClose(expected, got, C, terms + 1, $"{what} of {_shape}, offset {_offset}, seed {Seed}", Scale(terms));
            return got;
        }

        private int Size => _type switch { DType.F32 => 4, DType.BF16 => 2, _ => 8 };

        private nint Shifted(double[] values)
        {
            var pointer = _machine.Upload(_type, [.. new double[_offset], .. values]);
            return pointer == 0 ? 0 : pointer + (_offset * Size);
        }
    }
}
