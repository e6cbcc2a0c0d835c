using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Tests.Plans;

namespace EscNative.Tests.Numbers;

/// <summary>NaN, infinities and negative zero go through every operation and every fused epilogue as PyTorch lets them: a network that has
/// gone wrong shows it.</summary>
public sealed class NonFiniteTests
{
    private static readonly float[] Special = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];

    public static TheoryData<string> Devices => NumberDevices.Both;

    [Theory]
    [MemberData(nameof(Devices))]
    public void Elementwise_functions(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        const float Inf = float.PositiveInfinity;
        (string Name, Func<Tensor, Tensor> Run, float[] Wanted)[] functions =
        [
            // Of NaN, infinity, -infinity and -0.
            ("relu", x => x.Relu(), [float.NaN, Inf, 0, 0]), ("exp", x => x.Exp(), [float.NaN, Inf, 0, 1]), ("log", x => x.Log(), [float.NaN, Inf, float.NaN, -Inf]),
            ("sqrt", x => x.Sqrt(), [float.NaN, Inf, float.NaN, 0]), ("gelu", x => x.Gelu(), [float.NaN, Inf, float.NaN, 0]), ("tanh", x => x.Tanh(), [float.NaN, 1, -1, 0]),
            ("gelu (tanh)", x => x.GeluTanh(), [float.NaN, Inf, float.NaN, 0]), ("silu", x => x.Silu(), [float.NaN, Inf, float.NaN, 0]), ("relu6", x => x.Relu6(), [float.NaN, 6, 0, 0]),
            ("sigmoid", x => x.Sigmoid(), [float.NaN, 1, 0, 0.5f]), ("square", x => x.Square(), [float.NaN, Inf, Inf, 0]), ("abs", x => x.Abs(), [float.NaN, Inf, Inf, 0]),
            ("affine", x => x.Affine(2, 1), [float.NaN, Inf, -Inf, 1]), ("quotient", x => x / 3, [float.NaN, Inf, -Inf, 0]),
        ];
        foreach (var (function, run, wanted) in functions)
        {
            // Every place of a register, and its rest.
            foreach (var n in (int[])[4, 20, 68])
            {
                var x = Tensor.From([.. Enumerable.Range(0, n).Select(i => (i % 4) switch { 0 => float.NaN, 1 => Inf, 2 => -Inf, _ => -0f })], n, device);
                var y = run(x).ToArray();
                for (var i = 0; i < n; i++)
                    Assert.True(wanted[i % 4].Equals(y[i]) || wanted[i % 4] == y[i], $"{function}, value {i} of {n}: {y[i]}, wanted {wanted[i % 4]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Nan_survives_every_operation_that_reads_it(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        foreach (var channels in (int[])[1, 5, 8, 17, 33])
        {
            var clean = Random(3 * 6 * 6 * channels);
            foreach (var place in (int[])[0, channels - 1, (3 * 6 * 6 * channels) - 1])
            {
                var values = (float[])clean.Clone();
                values[place] = float.NaN;
                var x = Tensor.From(values, (3, 6, 6, channels), device);
                var (ones, zeros) = (Tensor.Ones(channels, device: device), Tensor.Zeros(channels, device: device));
                var w = Tensor.From(Random(4 * 9 * channels), (4, 3, 3, channels), device);
                (string Name, Tensor Y)[] results =
                [
                    ("conv", x.Conv2d(w, null, 1, 1)), ("conv, relu", x.Conv2d(w, null, 1, 1).Relu()), ("fast conv", x.Conv2d(w, null, 1, 1, fast: true)),
                    ("fast conv, stride 2", x.Conv2d(w, null, 2, 1, fast: true)), ("max pool", x.MaxPool2d(2)), ("average pool", x.AveragePool2d(2)),
                    ("global", x.GlobalAveragePool2d()), ("batch norm", x.BatchNorm(zeros, ones, ones, zeros, 1e-5, relu: true)),
                    ("own batch norm", x.BatchNorm(ones, zeros, 1e-5, relu: true).Y), ("layer norm", x.LayerNorm(ones, zeros)), ("softmax", x.Softmax()), ("log softmax", x.LogSoftmax()),
                    ("linear", x.Linear(Tensor.Ones((3, channels), device: device))), ("sum", x.Sum()), ("mean", x.Mean([0, 1])), ("max", x.Max()), ("max of columns", x.Max(0)),
                    ("divide", ones / x), ("zero times", x * 0.0),
                ];
                foreach (var (operation, y) in results)
                    Assert.True(y.ToArray().Any(float.IsNaN), $"{operation}: NaN at {place} of {channels} channels is gone");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Gradients_keep_it_too(string name)
    {
        var device = NumberDevices.Get(name);
        foreach (var channels in (int[])[5, 16, 33])
        {
            using var scope = Tensor.Scope();
            var x = Tensor.From(Random(2 * 6 * 6 * channels), (2, 6, 6, channels), device).RequireGradient();
            var w = Tensor.From(Random(channels * 9 * channels), (channels, 3, 3, channels), device).RequireGradient();
            var (ones, zeros) = (Tensor.Ones(channels, device: device), Tensor.Zeros(channels, device: device));
            (string Name, Func<Tensor> Run)[] operations =
            [
                ("conv", () => x.Conv2d(w, null, 1, 1)), ("fast conv", () => x.Conv2d(w, null, 1, 1, fast: true)), ("relu", () => (x + 5).Relu()), ("gelu", () => x.Gelu()),
                ("gelu (tanh)", () => x.GeluTanh()), ("silu", () => x.Silu()), ("relu6", () => (x + 3).Relu6()),
                ("max pool", () => x.MaxPool2d(2)), ("average pool", () => x.AveragePool2d(2)), ("adaptive pool", () => x.AdaptiveAveragePool2d(4, 5)), ("batch norm", () => (x.BatchNorm(ones, zeros + 9, 1e-5, relu: true).Y)),
                ("layer norm", () => x.LayerNorm(ones, zeros)), ("softmax", () => x.Softmax()), ("log softmax", () => x.LogSoftmax()),
            ];
            foreach (var (operation, run) in operations)
            {
                var y = run();
                var dy = Random((int)y.Count);
                dy[^1] = float.NaN;
                using var gradients = y.Backward(Tensor.From(dy, y.Shape, device));
                Assert.True(gradients[x].ToArray().Any(float.IsNaN), $"{operation}, {channels} channels: dx lost NaN");
            }
        }
    }

    /// <summary>Every epilogue of a plan: bias, ReLU, residual, affine, activations, pooling, attention, Winograd.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Plans_let_through_what_eager_networks_do(string name)
    {
        var device = NumberDevices.Get(name);
        // The kernels of a GPU have one way for all widths.
        foreach (var channels in name == "cpu" ? (int[])[3, 16, 33] : [5, 16])
        {
            var random = new RandomSource(2);
            Conv2d Conv(int kernel, int stride = 1) => new(channels, channels, kernel, random, stride, kernel / 2, device: device);
            BatchNorm2d Norm() => new(channels, device: device);
            (string Name, Module Net)[] nets =
            [
                ("conv", Conv(3)), ("conv, relu", new Sequential(Conv(3), new Relu())), ("conv, norm, relu", new Sequential(Conv(3), Norm(), new Relu())),
                ("1x1", new Sequential(Conv(1), new Relu())), ("stride 2", new Sequential(Conv(3, 2), Norm(), new Relu())),
                ("residual", new Sequential(new Residual(new Sequential(Conv(3), Norm())), new Relu())), ("residual alone", new Sequential(new Residual(Norm()), new Relu())),
                ("affine", Norm()), ("affine, relu", new Sequential(Norm(), new Relu())), ("relu", new Relu()), ("gelu", new Sequential(Conv(1), new Gelu())),
                ("gelu (tanh)", new Sequential(Conv(3), new Gelu(tanh: true))), ("silu", new Sequential(Conv(3), Norm(), new Silu())), ("relu6", new Sequential(Conv(1), new Relu6())),
                ("sigmoid", new Activation(UnaryOp.Sigmoid)), ("tanh", new Activation(UnaryOp.Tanh)), ("max pool", new Pool(true, 3, 2, 1, false)),
                ("average pool", new Pool(false, 3, 2, 1, true)), ("adaptive", new AdaptiveAveragePool2d(3, null)), ("global", new GlobalAveragePool2d()), ("linear", new Sequential(new GlobalAveragePool2d(), new Linear(channels, 5, random, device: device), new Relu())),
            ];
            foreach (var (netName, net) in nets)
            {
                using var owned = net;
                net.Training = false;
                Compare(net, (8, 8, channels), device, $"{netName}, {channels} channels");
            }
        }

        foreach (var width in (int[])[8, 24])
        {
            using var attention = new PlainAttention(2);
            using var norm = new LayerNorm(width, device: device);
            norm.Training = false;
            Compare(norm, (5, width), device, $"layer norm, {width}");
            Compare(attention, (5, width), device, $"attention, {width}");
        }
    }

    // Where the eager network gives NaN the plan does, where infinity or a number, the same. Winograd mixes the pixels of a tile, so there a
    // value beside NaN may be NaN too.
    private static void Compare(Module net, Shape image, Device device, string context)
    {
        using var scope = Tensor.Scope();
        const int Images = 2;
        foreach (var special in Special)
        {
            foreach (var winograd in device == Device.Cpu ? (bool[])[false, true] : [false])
            {
                var values = Random((int)(Images * image.Count));
                values[image.Count + (image.Count / 2)] = special;
                values[^1] = special;
                using var plan = InferencePlan.Compile(net, image, device, new PlanOptions { Winograd = winograd });
                var wanted = net.Forward(Tensor.From(values, new Shape([Images, .. image.ToArray()]), device)).ToArray();
                var got = new float[wanted.Length];
                plan.Run(values, got);
                var mixes = plan.Steps.Any(s => s.Algorithm.StartsWith("winograd", StringComparison.Ordinal));
                var perImage = got.Length / Images;
                for (var i = 0; i < got.Length; i++)
                {
                    var same = float.IsNaN(wanted[i]) ? float.IsNaN(got[i])
                        : float.IsInfinity(wanted[i]) ? wanted[i] == got[i] || (mixes && !float.IsFinite(got[i]))
                        : Math.Abs(wanted[i] - got[i]) <= 1e-4 || (mixes && i >= perImage && !float.IsFinite(got[i]));
                    Assert.True(same, $"{context}, {special}, winograd {winograd}: value {i} is {got[i]}, eager {wanted[i]}");
                }
            }
        }
    }

    /// <summary>Attention of tokens to themselves, without weights.</summary>
    private sealed class PlainAttention(int heads) : Module
    {
        public override Tensor Forward(Tensor x)
        {
            var (n, t, d) = (x.Shape[0], x.Shape[1], x.Shape[2]);
            var y = x.Reshape((n, t, heads, d / heads)).Permute(0, 2, 1, 3);
            var weights = (y.MatMul(y.Transpose()) * (1 / Math.Sqrt((double)d / heads))).Softmax();
            return weights.MatMul(y).Permute(0, 2, 1, 3).Reshape((n, t, d));
        }

        protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Attention(x, x, x, heads);
    }

    private static float[] Random(int n)
    {
        var random = new Random(11);
        return [.. Enumerable.Range(0, n).Select(_ => (float)(random.NextDouble() - 0.5))];
    }
}
