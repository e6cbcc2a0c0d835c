using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Numbers;

/// <summary>
/// What a column gives does not depend on where it stands: a tensor of equal columns has equal results, whether a column lies in a whole
/// register, in the rest of one, in the last tile, or in the part of a pack. The same of rows, channels and images.
/// </summary>
public sealed class EqualColumnsTests
{
    // Registers of 4, 8 and 16 floats with every kind of rest, several at once, and tiles.
    private static readonly int[] Widths = [1, 2, 3, 7, 9, 15, 17, 31, 33, 47, 65, 100, 1000, 1003];

    public static TheoryData<string> Devices => NumberDevices.Both;

    [Theory]
    [MemberData(nameof(Devices))]
    public void Folds_of_equal_columns(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var type in (DType[])[DType.F32, DType.F64])
        {
            foreach (var width in Widths)
            {
                foreach (var rows in name == "cpu" ? (int[])[2, 49, 65, 130] : [3, 130])
                {
                    using var scope = Tensor.Scope();
                    var x = Columns(rows, width, type, device);
                    AssertEqualColumns(x.Sum(0), $"sum of [{rows}, {width}] {type}");
                    AssertEqualColumns(x.Mean(0), $"mean of [{rows}, {width}] {type}");
                    AssertEqualColumns(x.Max(0), $"max of [{rows}, {width}] {type}");
                    AssertEqualColumns(x.ArgMax(0).To(type), $"argmax of [{rows}, {width}] {type}");
                    // Several outer indices, and the same numbers along a row.
                    AssertEqualColumns(Columns(3 * rows, width, type, device).Reshape(3, rows, width).Sum(1), $"sum of [3, {rows}, {width}] {type}");
                }
            }
        }

        // Cut into chunks.
        using var large = Tensor.Scope();
        if (name != "cpu")
            return;
        AssertEqualColumns(Columns(30_001, 9, DType.F32, device).Sum(0), "a long sum");
        AssertEqualColumns(Columns(40, 13_003, DType.F32, device).Mean(0), "a wide mean");
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Elementwise_functions_and_their_gradients(string name)
    {
        var device = NumberDevices.Get(name);
        (string Name, Func<Tensor, Tensor> Run)[] functions =
        [
            ("exp", x => x.Exp()), ("log", x => x.Log()), ("sqrt", x => x.Sqrt()), ("relu", x => x.Relu()), ("gelu", x => x.Gelu()), ("gelu (tanh)", x => x.GeluTanh()), ("silu", x => x.Silu()), ("relu6", x => x.Relu6()),
            ("tanh", x => x.Tanh()), ("sigmoid", x => x.Sigmoid()), ("square", x => x.Square()), ("abs", x => x.Abs()), ("negate", x => -x),
            ("affine", x => x.Affine(1.1, 0.3)), ("quotient", x => x / 0.7), ("self", x => (x + x) * x / (x - 3)), ("weigh", x => Tensor.Weigh(x, x)),
        ];
        var values = new Random(1);
        foreach (var type in (DType[])[DType.F32, DType.F64])
        {
            foreach (var (function, run) in functions)
            {
                for (var repeat = 0; repeat < 6; repeat++)
                {
                    using var scope = Tensor.Scope();
                    // 47 equal values are rows of whole registers and every rest of one.
                    var value = values.NextDouble() * 4;
                    var x = Tensor.Full(47, value, type, device).RequireGradient();
                    var y = run(x);
                    AssertEqualColumns(y, function);
                    using var gradients = y.Sum().Backward();
                    AssertEqualColumns(gradients[x], function + ", gradient");
                    AssertEqualColumns(run(Columns(3, 33, type, device).Square()), function + " of columns");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Normalisation_softmax_and_losses(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var width in name == "cpu" ? Widths : [1, 7, 33, 100])
        {
            using var scope = Tensor.Scope();
            var x = Columns(65, width, DType.F32, device).RequireGradient();
            var (one, zero) = (Tensor.Full(width, 1.3, device: device).RequireGradient(), Tensor.Full(width, 0.2, device: device).RequireGradient());
            var (y, mean, variance) = x.BatchNorm(one, zero, 1e-5, relu: true);
            AssertEqualColumns(mean, $"batch mean, {width}");
            AssertEqualColumns(variance, $"batch variance, {width}");
            AssertEqualColumns(y, $"batch norm, {width}");
            using (var gradients = (y * Columns(65, width, DType.F32, device, seed: 2)).Sum().Backward())
            {
                AssertEqualColumns(gradients[x], $"batch norm dx, {width}");
                AssertEqualColumns(gradients[one], $"batch norm dgamma, {width}");
                AssertEqualColumns(gradients[zero], $"batch norm dbeta, {width}");
            }

            var normalised = x.LayerNorm(one, zero);
            AssertEqualColumns(normalised, $"layer norm, {width}");
            using (var gradients = (normalised * Columns(65, width, DType.F32, device, seed: 2)).Sum().Backward())
            {
                AssertEqualColumns(gradients[x], $"layer norm dx, {width}");
                AssertEqualColumns(gradients[one], $"layer norm dgamma, {width}");
            }

            AssertEqualColumns(x.Softmax(), $"softmax, {width}");
            AssertEqualColumns(x.LogSoftmax(), $"log softmax, {width}");
            using var loss = Loss.SoftCrossEntropy(x, Columns(65, width, DType.F32, device, seed: 3).Softmax()).Backward();
            AssertEqualColumns(loss[x], $"cross-entropy dx, {width}");
            AssertEqualRows(Columns(65, width, DType.F32, device).Transpose().Softmax(), $"rows of softmax, {width}");
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Products_of_equal_columns_and_rows(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var (m, k, n) in ((int, int, int)[])
            [(1, 33, 31), (2, 600, 17), (5, 1100, 33), (31, 70, 7), (33, 1030, 65), (9, 513, 23), (70, 600, 100), (130, 700, 255), (3, 40, 1003), (64, 1500, 1)])
        {
            foreach (var type in (DType[])[DType.F32, DType.F64])
            {
                using var scope = Tensor.Scope();
                var (a, b) = (Random(m, k, type, device), Columns(k, n, type, device));
                AssertEqualColumns(a.MatMul(b), $"[{m}, {k}] [{k}, {n}] {type}");
                AssertEqualColumns(a.MatMul(b.Transpose().Clone().Transpose()), $"[{m}, {k}] [{n}, {k}]T {type}");
                AssertEqualColumns(a.Linear(b.Transpose().Clone(), Tensor.Ones(n, type, device)), $"linear {m}, {k}, {n} {type}");
                AssertEqualRows(b.Transpose().MatMul(a.Transpose()), $"[{n}, {k}] [{k}, {m}] {type}");
                AssertEqualRows(b.Transpose().Clone().MatMul(Random(k, m, type, device)), $"[{n}, {k}] [{k}, {m}], whole {type}");
            }
        }

        foreach (var d in (int[])[7, 33, 65, 130])
        {
            var rows = new float[700 * d];
            var values = new Random(4);
            for (var i = 0; i < 700; i++)
                rows.AsSpan(i * d, d).Fill((float)values.NextDouble());
            var gram = new double[d * d];
            unsafe
            {
                fixed (float* x = rows)
                fixed (double* g = gram)
                    Gemm.GramF64(700, d, x, d, g);
            }

            Assert.All(gram, v => Assert.Equal(gram[0], v));
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Convolutions_of_equal_channels(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var (channels, outputs, kernel, stride, size) in ((int, int, int, int, int)[])
            [(3, 33, 3, 1, 9), (16, 17, 3, 1, 8), (16, 31, 3, 2, 9), (40, 7, 1, 1, 6), (150, 23, 3, 1, 5), (9, 1, 3, 1, 6), (5, 100, 5, 2, 11), (32, 33, 3, 2, 12), (32, 49, 3, 1, 12)])
        {
            foreach (var fast in (bool[])[false, true])
            {
                using var scope = Tensor.Scope();
                var context = $"{channels} to {outputs}, {kernel}x{kernel} / {stride}, fast {fast}";
                var image = Random(2 * size * size, channels, DType.F32, device).Reshape(2, size, size, channels);
                var x = Tensor.Concat([image, image.Slice(0, 0, 1)], 0).Clone().RequireGradient();
                // One filter for every output channel.
                var filter = Random(1, kernel * kernel * channels, DType.F32, device);
                var w = Tensor.Concat([.. Enumerable.Repeat(filter, outputs)], 0).Reshape(outputs, kernel, kernel, channels).Clone().RequireGradient();
                var y = x.Conv2d(w, Tensor.Full(outputs, 0.1, device: device), stride, kernel / 2, fast);
                var (oh, ow) = (y.Shape[1], y.Shape[2]);
                AssertEqualColumns(y.Reshape(3 * oh * ow, outputs), context);
                AssertSame(y.Slice(0, 0, 1), y.Slice(0, 2, 3), context + ", images");
                var dy = Columns(3 * oh * ow, outputs, DType.F32, device).Reshape(3, oh, ow, outputs);
                using var gradients = y.Backward(Tensor.Concat([dy.Slice(0, 0, 2), dy.Slice(0, 0, 1)], 0));
                AssertSame(gradients[x].Slice(0, 0, 1), gradients[x].Slice(0, 2, 3), context + ", dx of images");
                AssertEqualColumns(gradients[w].Reshape(outputs, kernel * kernel * channels).Transpose(), context + ", dw");

                // Equal channels of images, equal slices of the filters: equal gradients of both.
                var even = Columns(2 * size * size, channels, DType.F32, device).Reshape(2, size, size, channels).RequireGradient();
                var flat = Columns(outputs * kernel * kernel, channels, DType.F32, device, seed: 5).Reshape(outputs, kernel, kernel, channels).RequireGradient();
                var z = even.Conv2d(flat, null, stride, kernel / 2, fast);
                using var others = z.Backward(Random(2 * oh * ow, outputs, DType.F32, device).Reshape(2, oh, ow, outputs));
                AssertEqualColumns(others[even].Reshape(2 * size * size, channels), context + ", dx of channels");
                AssertEqualColumns(others[flat].Reshape(outputs * kernel * kernel, channels), context + ", dw of channels");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Pooling_of_equal_channels(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var channels in Widths)
        {
            using var scope = Tensor.Scope();
            var x = Columns(2 * 7 * 7, channels, DType.F32, device).Reshape(2, 7, 7, channels).RequireGradient();
            foreach (var (pool, run) in ((string, Func<Tensor, Tensor>)[])
                [("max", t => t.MaxPool2d(3, 2, 1)), ("average", t => t.AveragePool2d(3, 2, 1, false)), ("adaptive", t => t.AdaptiveAveragePool2d(3, 4)), ("global", t => t.GlobalAveragePool2d())])
            {
                var y = run(x);
                AssertEqualColumns(y.Reshape((int)(y.Shape.Count / channels), channels), $"{pool}, {channels}");
                using var gradients = y.Sum().Backward();
                AssertEqualColumns(gradients[x].Reshape(2 * 7 * 7, channels), $"{pool} dx, {channels}");
            }

            var indices = Tensor.From([1, 0, 1], 3, device);
            var rows = Columns(2, channels, DType.F32, device).RequireGradient();
            var picked = rows.GatherRows(indices);
            AssertEqualColumns(picked, "rows");
            using var back = picked.Sum().Backward();
            AssertEqualColumns(back[rows], "rows back");
        }
    }

    // ONNX's own test networks end like this: 1,000 equal channels must have one probability.
    [Theory]
    [MemberData(nameof(Devices))]
    public void A_plan_gives_equal_channels_equal_values(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var outputs in (int[])[7, 33, 1000])
        {
            using var scope = Tensor.Scope();
            var random = new RandomSource(3);
            var conv = new Conv2d(3, outputs, 3, random, padding: 1, device: device);
            var filter = Random(1, 27, DType.F32, device);
            conv.Weight.Value.Assign(Tensor.Concat([.. Enumerable.Repeat(filter, outputs)], 0).Reshape(outputs, 3, 3, 3));
            conv.Bias!.Value.Assign(Tensor.Full(outputs, 0.3, device: device));
            using var net = new Sequential(conv, new BatchNorm2d(outputs, device: device), new Relu(), new GlobalAveragePool2d());
            using var plan = InferencePlan.Compile(net, (7, 7, 3), device);
            var (x, y) = (Random(1, 7 * 7 * 3, DType.F32, device), new float[outputs]);
            plan.Run(x.ToArray(), y);
            Assert.All(y, v => Assert.Equal(y[0], v));
            net.Training = false;
            AssertEqualColumns(net.Forward(x.Reshape(1, 7, 7, 3)), $"eager, {outputs}");
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Optimizers_move_equal_weights_equally(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var width in Widths)
        {
            using var scope = Tensor.Scope();
            using var weight = new Parameter("w", Tensor.Full(width, 0.7, device: device));
            using var sgd = new EscNative.Engine.Optimization.Sgd([weight], 0.1, 0.9, 1e-3, nesterov: true);
            using var adam = new EscNative.Engine.Optimization.Adam([weight], 0.01, weightDecay: 0.1);
            for (var step = 0; step < 2; step++)
            {
                using var gradients = (weight.Value.Square() * 0.3).Sum().Backward();
                sgd.Step(gradients);
                adam.Step(gradients);
            }

            AssertEqualColumns(weight.Value, $"{width}");
        }
    }

    private static Tensor Columns(int rows, int width, DType type, Device device, int seed = 1)
    {
        var random = new Random(seed);
        var values = new double[(long)rows * width];
        for (var row = 0; row < rows; row++)
            values.AsSpan(row * width, width).Fill(random.NextDouble() - 0.3);
        return Tensor.From(values, (rows, width), device).To(type);
    }

    private static Tensor Random(int rows, int width, DType type, Device device)
    {
        var random = new Random(9);
        return Tensor.From([.. Enumerable.Range(0, rows * width).Select(_ => random.NextDouble() - 0.4)], (rows, width), device).To(type);
    }

    // All columns of [rows, width], or all values of [width], have the first one's bits.
    private static void AssertEqualColumns(Tensor y, string context)
    {
        var (values, width) = (y.Wide(), y.Shape[^1]);
        for (var i = 0; i < values.Length; i++)
        {
            var first = values[i / width * width];
            Assert.True(first.Equals(values[i]), $"{context}: column {i % width} of row {i / width} is {values[i]:R}, column 0 {first:R}");
        }
    }

    private static void AssertEqualRows(Tensor y, string context) => AssertEqualColumns(y.Transpose(), context);

    private static void AssertSame(Tensor a, Tensor b, string context) => Assert.True(a.Wide().AsSpan().SequenceEqual(b.Wide()), context);
}
