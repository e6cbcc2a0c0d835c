using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Tests.Engine;

namespace EscNative.Tests.Numbers;

/// <summary>Convolutions and poolings of sizes drawn at random against float64 loops: images smaller than a stride, kernels that barely fit,
/// padding of a kernel and more, strides beyond kernels, no images.</summary>
public sealed class ConvolutionShapeTests
{
    private static readonly int Seed = Environment.TickCount & 0xFFFF;

    public static TheoryData<string> Devices => NumberDevices.Both;

    // What a draw may miss: size + padding < stride, kernel = image + padding, padding >= kernel, stride > kernel, 1x1 with a stride, no image.
    private static readonly Sizes[] Fixed =
    [
        new(1, 1, 1, 2, 3, 1, 1, 5, 5, 0, 0), new(2, 2, 3, 3, 2, 2, 3, 7, 9, 1, 1), new(1, 3, 2, 1, 4, 5, 4, 3, 3, 1, 1), new(2, 4, 4, 2, 2, 2, 2, 1, 1, 3, 2),
        new(1, 5, 6, 3, 5, 1, 1, 3, 2, 0, 0), new(2, 5, 5, 4, 3, 2, 2, 4, 3, 0, 0), new(0, 4, 4, 2, 3, 3, 3, 1, 1, 1, 1), new(1, 4, 4, 3, 3, 3, 3, 1, 1, 5, 5),
        new(3, 1, 9, 2, 2, 1, 3, 2, 2, 0, 1), new(1, 2, 2, 16, 16, 3, 3, 4, 4, 1, 1), new(1, 7, 7, 8, 8, 3, 3, 10, 10, 1, 1), new(2, 3, 3, 5, 17, 3, 3, 1, 1, 0, 0),
    ];

    // Large enough for Winograd's filtering, both strides, with edges that no tile divides.
    private static readonly Sizes[] ForWinograd =
    [
        new(1, 8, 8, 16, 17, 3, 3, 1, 1, 1, 1), new(1, 9, 10, 16, 16, 3, 3, 1, 1, 0, 0), new(2, 6, 8, 17, 16, 3, 3, 1, 1, 2, 2),
        new(1, 16, 16, 32, 33, 3, 3, 2, 2, 1, 1), new(1, 15, 17, 32, 32, 3, 3, 2, 2, 0, 2),
    ];

    [Theory]
    [MemberData(nameof(Devices))]
    public void Convolutions_and_both_gradients(string name)
    {
        var device = NumberDevices.Get(name);
        var random = new Random(Seed);
        var count = name == "cpu" ? 80 : 15;
        foreach (var s in Fixed.Concat(name == "cpu" ? ForWinograd : []).Concat(Enumerable.Range(0, count).Select(_ => Draw(random, forPooling: false))))
        {
            using var scope = Tensor.Scope();
            var (x, w, b) = (s.Input(random), Values(random, s.Outputs, s.KernelHeight, s.KernelWidth, s.Channels), Values(random, s.Outputs));
            var dy = Values(random, s.Batch, s.OutHeight, s.OutWidth, s.Outputs);
            var (y, dx, dw) = Convolve(s, x, w, b, dy);
            foreach (var fast in (bool[])[false, true])
            {
                var context = $"{s}, fast {fast}, seed {Seed}";
                var (px, pw, pb) = (x.ToTensor(DType.F32, device).RequireGradient(), w.ToTensor(DType.F32, device).RequireGradient(), b.ToTensor(DType.F32, device).RequireGradient());
                var py = px.Conv2d(pw, pb, (s.StrideHeight, s.StrideWidth), (s.PadHeight, s.PadWidth), fast);
                // Terms are at most 1; Winograd errs by about 1e-6 of the largest.
                Close.AssertEqual(y, py.ToNdArray(), 2e-5 * (1 + Math.Sqrt(s.Taps)), context + ", y");
                using var gradients = py.Backward(dy.ToTensor(DType.F32, device));
                Close.AssertEqual(dx, gradients[px].ToNdArray(), 2e-5 * (1 + Math.Sqrt(s.Outputs * s.KernelHeight * s.KernelWidth)), context + ", dx");
                Close.AssertEqual(dw, gradients[pw].ToNdArray(), 2e-5 * (1 + Math.Sqrt(s.Batch * s.OutHeight * s.OutWidth)), context + ", dw");
            }

            var (wide, wideW) = (x.ToTensor(DType.F64, device).RequireGradient(), w.ToTensor(DType.F64, device).RequireGradient());
            var wideY = wide.Conv2d(wideW, b.ToTensor(DType.F64, device), (s.StrideHeight, s.StrideWidth), (s.PadHeight, s.PadWidth));
            Close.AssertEqual(y, wideY.ToNdArray(), 1e-12, $"{s}, F64, seed {Seed}");
            using var exact = wideY.Backward(dy.ToTensor(DType.F64, device));
            Close.AssertEqual(dx, exact[wide].ToNdArray(), 1e-12, $"{s}, F64 dx, seed {Seed}");
            Close.AssertEqual(dw, exact[wideW].ToNdArray(), 1e-12, $"{s}, F64 dw, seed {Seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Plans(string name)
    {
        var device = NumberDevices.Get(name);
        var random = new Random(Seed + 1);
        var count = name == "cpu" ? 50 : 10;
        foreach (var drawn in Fixed.Concat(name == "cpu" ? ForWinograd : []).Concat(Enumerable.Range(0, count).Select(_ => Draw(random, forPooling: false))))
        {
            // Layers have square kernels.
            var side = Math.Min(drawn.KernelHeight, drawn.KernelWidth);
            var s = drawn with
            {
                KernelHeight = side,
                KernelWidth = side,
                StrideHeight = drawn.StrideHeight,
                StrideWidth = drawn.StrideHeight,
                PadHeight = drawn.PadHeight,
                PadWidth = drawn.PadHeight,
            };
            if (s.Batch == 0 || !s.Fits)
                continue;
            using var scope = Tensor.Scope();
            using var conv = new Conv2d(s.Channels, s.Outputs, side, new RandomSource(1), s.StrideHeight, s.PadHeight, device: device);
            using var net = new Sequential(conv, new BatchNorm2d(s.Outputs, device: device), new Relu());
            var x = s.Input(random);
            net.Training = false;
            var wanted = net.Forward(x.ToTensor(DType.F32, device)).ToArray();
            foreach (var winograd in (bool[])[false, true])
            {
                using var plan = InferencePlan.Compile(net, (s.Height, s.Width, s.Channels), device, new PlanOptions { Winograd = winograd });
                var y = new float[wanted.Length];
                plan.Run(x.ToTensor(DType.F32, device).ToArray(), y);
                for (var i = 0; i < y.Length; i++)
                    Assert.True(Math.Abs(wanted[i] - y[i]) <= 2e-5 * (1 + Math.Sqrt(s.Taps)), $"{s}, winograd {winograd}, value {i}: {y[i]}, wanted {wanted[i]}, seed {Seed}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Poolings_and_their_gradients(string name)
    {
        var device = NumberDevices.Get(name);
        var random = new Random(Seed + 2);
        var count = name == "cpu" ? 80 : 15;
        foreach (var s in Enumerable.Range(0, count).Select(_ => Draw(random, forPooling: true)))
        {
            foreach (var kind in (string[])["max", "average", "average of pixels"])
            {
                using var scope = Tensor.Scope();
                var context = $"{kind}, {s}, seed {Seed}";
                var (x, dy) = (s.Input(random), Values(random, s.Batch, s.OutHeight, s.OutWidth, s.Channels));
                var (y, dx) = Pool(s, kind, x, dy);
                var px = x.ToTensor(DType.F32, device).RequireGradient();
                var py = kind == "max" ? px.MaxPool2d(s.KernelHeight, s.StrideHeight, s.PadHeight)
                    : px.AveragePool2d(s.KernelHeight, s.StrideHeight, s.PadHeight, kind == "average");
                Close.AssertEqual(y, py.ToNdArray(), 1e-6, context + ", y");
                using var gradients = py.Backward(dy.ToTensor(DType.F32, device));
                Close.AssertEqual(dx, gradients[px].ToNdArray(), 2e-6 * s.KernelHeight * s.KernelHeight, context + ", dx");
                using var plan = InferencePlan.Compile(new Plans.Pool(kind == "max", s.KernelHeight, s.StrideHeight, s.PadHeight, kind == "average"), (s.Height, s.Width, s.Channels), device);
                var values = new float[y.Values.Length];
                plan.Run(px.ToArray(), values);
                Close.AssertEqual(y, new NdArray(y.Shape, Array.ConvertAll(values, v => (double)v)), 1e-6, context + ", plan");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_kernel_that_does_not_fit_is_refused(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        var x = Tensor.Zeros((1, 3, 4, 2), device: device);
        foreach (var (height, width, pad) in ((int, int, int)[])[(4, 1, 0), (1, 5, 0), (6, 1, 1), (1, 7, 1), (10, 1, 3)])
        {
            var w = Tensor.Zeros((3, height, width, 2), device: device);
            Assert.Contains($"{height}x{width}", Assert.Throws<ShapeException>(() => x.Conv2d(w, null, (1, 1), (pad, pad))).Message, StringComparison.Ordinal);
        }

        // Numbers whose sum leaves the range of an int fit no image either.
        Assert.Throws<ShapeException>(() => x.Conv2d(Tensor.Zeros((3, 3, 3, 2), device: device), padding: int.MaxValue));
        Assert.Throws<ShapeException>(() => x.MaxPool2d(4));
        Assert.Throws<ShapeException>(() => x.AveragePool2d(int.MaxValue, 1, int.MaxValue / 2));
        using var conv = new Conv2d(2, 3, 5, new RandomSource(1), device: device);
        Assert.Throws<ShapeException>(() => InferencePlan.Compile(conv, (3, 4, 2), device));
        using var padded = new Conv2d(2, 3, 5, new RandomSource(1), padding: int.MaxValue, device: device);
        Assert.Throws<ShapeException>(() => InferencePlan.Compile(padded, (3, 4, 2), device));
    }

    private static Sizes Draw(Random random, bool forPooling)
    {
        while (true)
        {
            var (kernel, stride) = (random.Next(1, 6), random.Next(1, 9));
            var s = forPooling
                ? new Sizes(random.Next(1, 3), random.Next(1, 9), random.Next(1, 9), random.Next(1, 20), 1, kernel, kernel, stride, stride, random.Next(0, (kernel / 2) + 1), 0)
                : new Sizes(
                    random.Next(1, 4), random.Next(1, 9), random.Next(1, 9), random.Next(1, 20), random.Next(1, 20), random.Next(1, 5), random.Next(1, 5), random.Next(1, 9),
                    random.Next(1, 9), random.Next(0, 5), random.Next(0, 5));
            if (forPooling)
                s = s with { PadWidth = s.PadHeight };
            if (s.Fits)
                return s;
        }
    }

    private static NdArray Values(Random random, params int[] shape) => NdArray.Build(shape, _ => (float)(random.NextDouble() - 0.5) * 2);

    private static (NdArray Y, NdArray Dx, NdArray Dw) Convolve(Sizes s, NdArray x, NdArray w, NdArray b, NdArray dy)
    {
        var (y, dx, dw) = (new NdArray(dy.Shape), new NdArray(x.Shape), new NdArray(w.Shape));
        foreach (var at in NdArray.Indices(dy.Shape))
        {
            var (n, oy, ox, o) = (at[0], at[1], at[2], at[3]);
            var (sum, g) = (b[o], dy[at]);
            for (var ky = 0; ky < s.KernelHeight; ky++)
            {
                for (var kx = 0; kx < s.KernelWidth; kx++)
                {
                    var (iy, ix) = ((oy * s.StrideHeight) + ky - s.PadHeight, (ox * s.StrideWidth) + kx - s.PadWidth);
                    if (iy < 0 || iy >= s.Height || ix < 0 || ix >= s.Width)
                        continue;
                    for (var c = 0; c < s.Channels; c++)
                    {
                        sum += x[n, iy, ix, c] * w[o, ky, kx, c];
                        dx[n, iy, ix, c] += g * w[o, ky, kx, c];
                        dw[o, ky, kx, c] += g * x[n, iy, ix, c];
                    }
                }
            }

            y[at] = sum;
        }

        return (y, dx, dw);
    }

    private static (NdArray Y, NdArray Dx) Pool(Sizes s, string kind, NdArray x, NdArray dy)
    {
        var (y, dx) = (new NdArray(dy.Shape), new NdArray(x.Shape));
        foreach (var at in NdArray.Indices(dy.Shape))
        {
            var (n, oy, ox, c) = (at[0], at[1], at[2], at[3]);
            List<(int Y, int X)> inside = [];
            for (var ky = 0; ky < s.KernelHeight; ky++)
            {
                for (var kx = 0; kx < s.KernelWidth; kx++)
                {
                    var (iy, ix) = ((oy * s.StrideHeight) + ky - s.PadHeight, (ox * s.StrideWidth) + kx - s.PadWidth);
                    if (iy >= 0 && iy < s.Height && ix >= 0 && ix < s.Width)
                        inside.Add((iy, ix));
                }
            }

            if (kind == "max")
            {
                var best = inside.MaxBy(p => x[n, p.Y, p.X, c]);
                y[at] = x[n, best.Y, best.X, c];
                dx[n, best.Y, best.X, c] += dy[at];
                continue;
            }

            var size = kind == "average" ? s.KernelHeight * s.KernelWidth : inside.Count;
            foreach (var (iy, ix) in inside)
            {
                y[at] += x[n, iy, ix, c] / size;
                dx[n, iy, ix, c] += dy[at] / size;
            }
        }

        return (y, dx);
    }

    private sealed record Sizes(
        int Batch, int Height, int Width, int Channels, int Outputs, int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth, int PadHeight, int PadWidth)
    {
        public bool Fits => Height + (2 * PadHeight) >= KernelHeight && Width + (2 * PadWidth) >= KernelWidth;

        public int OutHeight => ((Height + (2 * PadHeight) - KernelHeight) / StrideHeight) + 1;

        public int OutWidth => ((Width + (2 * PadWidth) - KernelWidth) / StrideWidth) + 1;

        public int Taps => KernelHeight * KernelWidth * Channels;

        public NdArray Input(Random random) => Values(random, Batch, Height, Width, Channels);
    }
}
