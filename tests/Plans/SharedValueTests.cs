using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Tests.Engine;

namespace EscNative.Tests.Plans;

/// <summary>A value of a plan that several read, an output among them: nobody fuses it away, and nobody writes over it too early.</summary>
public sealed class SharedValueTests
{
    private const int Side = 5, Channels = 4, Images = 3;

    private readonly RandomSource _random = new(3);
    private readonly Random _dice = new(4);

    private delegate (PlanValue[] Outputs, Tensor[] Wanted) Network(PlanBuilder plan, Layers with, Tensor x);

    public static TheoryData<string> Names => [.. Networks.Keys];

    // In each the outputs have further readers, or are no value of their own.
    private static Dictionary<string, Network> Networks => new()
    {
        ["a convolution, and its ReLU"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var c = l.Conv(y); return [c, l.Relu(c)]; }),
        ["its ReLU, and a convolution"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var c = l.Conv(y); return [l.Relu(c), c]; }),
        ["a convolution, and its norm"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var c = l.Conv(y); return [c, l.Norm(c)]; }),
        ["a convolution, and what is added to it"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var c = l.Conv(y); return [c, l.Relu(l.Add(l.Conv2(c), c))]; }),
        ["a sum, and what follows in place"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var s = l.Add(l.Conv(y), l.Conv2(y)); return [s, l.Norm(l.Relu(l.Norm(s)))]; }),
        ["a pointwise step, and the next one"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var a = l.Norm(y); return [a, l.Relu(a)]; }),
        ["an activation, and the next one"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var a = l.Tanh(y); return [a, l.Tanh(a)]; }),
        ["one residual twice"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var r = l.Conv(y); return [l.Add(l.Add(l.Conv2(r), r), r)]; }),
        ["a value added to itself"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var c = l.Conv(y); return [l.Relu(l.Add(c, c)), c]; }),
        ["a residual that outlives its sum"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var r = l.Norm(y); var s = l.Relu(l.Add(l.Conv(r), r)); return [l.Add(l.Conv2(s), r), s]; }),
        ["the input, and what is made of it"] = (plan, with, x) => Of(with, x, plan, (l, y) => [y, l.Relu(l.Norm(y))]),
        ["what is made of the input, and the input"] = (plan, with, x) => Of(with, x, plan, (l, y) => [l.Add(l.Conv(y), y), y]),
        ["one value as both outputs"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var c = l.Relu(l.Conv(y)); return [c, c]; }),
        ["an output in the middle of a chain"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var m = l.Relu(l.Conv(y)); return [l.Conv2(l.Norm(l.Conv2(m))), m]; }),
        ["normed input that two convolutions read"] = (plan, with, x) => Of(with, x, plan, (l, y) => { var a = l.Relu(y); return [l.Add(l.Conv(a), l.Conv2(l.Norm(a))), a]; }),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Both_outputs_are_those_of_the_eager_network(string name)
    {
        using var layers = new Layers(_random);
        var floats = Enumerable.Range(0, Images * Side * Side * Channels).Select(_ => (float)((2 * _dice.NextDouble()) - 1)).ToArray();
        foreach (var chunk in (int[])[0, 1, 2])
        {
            var builder = new PlanBuilder(layers.Root, (Side, Side, Channels));
            float[][] wanted;
            PlanValue[] outputs;
            using (Tensor.Scope())
            using (Tensor.NoGrad())
            {
                (outputs, var tensors) = Networks[name](builder, layers, Tensor.From(floats, (Images, Side, Side, Channels)));
                wanted = [.. tensors.Select(t => t.ToArray())];
            }

            using var plan = builder.Compile(TestDevices.Current, new PlanOptions { ImagesPerChunk = chunk }, outputs);
            var got = wanted.Select(w => new float[w.Length]).ToArray();
            // Twice: the second run finds the arena as the first one left it.
            for (var run = 0; run < 2; run++)
            {
                foreach (var values in got)
                    Array.Fill(values, float.NaN);
                if (got.Length == 2)
                    plan.Run(floats, got[0], got[1]);
                else
                    plan.Run(floats, got[0]);
                for (var o = 0; o < got.Length; o++)
                    Close(wanted[o], got[o], $"output {o + 1} of run {run + 1}, {chunk} images a chunk");
            }

            var first = new float[wanted[0].Length];
            plan.Run(floats, first);
            Assert.Equal(got[0], first);
        }
    }

    // Sums of up to 36 terms in four layers, see RandomNetwork.Tolerance.
    private static void Close(float[] wanted, float[] got, string context)
    {
        var largest = wanted.Max(Math.Abs);
        for (var i = 0; i < wanted.Length; i++)
            Assert.True(Math.Abs(wanted[i] - got[i]) <= 2e-5f * largest, $"{context}: value {i} is {got[i]:R}, wanted {wanted[i]:R}");
    }

    private static (PlanValue[], Tensor[]) Of(Layers layers, Tensor x, PlanBuilder plan, Func<ILayers, object, object[]> network) =>
        ([.. network(layers.In(plan), plan.Input).Cast<PlanValue>()], [.. network(layers, x).Cast<Tensor>()]);

    // One description for the plan and for the engine.
    private interface ILayers
    {
        object Conv(object x);

        object Conv2(object x);

        object Norm(object x);

        object Relu(object x);

        object Tanh(object x);

        object Add(object a, object b);
    }

    private sealed class Layers : ILayers, IDisposable
    {
        private readonly Conv2d _conv, _conv2;
        private readonly BatchNorm2d _norm;

        public Layers(RandomSource random)
        {
            (_conv, _conv2, _norm) = (new Conv2d(Channels, Channels, 3, random, 1, 1), new Conv2d(Channels, Channels, 3, random, 1, 1), new BatchNorm2d(Channels));
            _norm.Weight.Value.CopyFrom<float>([0.5f, -1, 1.5f, 2]);
            _norm.Bias.Value.CopyFrom<float>([0.1f, 0.2f, -0.3f, 0.4f]);
            Root = new Sequential(_conv, _conv2, _norm) { Training = false };
        }

        public Sequential Root { get; }

        public ILayers In(PlanBuilder plan) => new Lowered(this, plan);

        public object Conv(object x) => _conv.Forward((Tensor)x);

        public object Conv2(object x) => _conv2.Forward((Tensor)x);

        public object Norm(object x) => _norm.Forward((Tensor)x);

        public object Relu(object x) => ((Tensor)x).Relu();

        public object Tanh(object x) => ((Tensor)x).Tanh();

        public object Add(object a, object b) => (Tensor)a + (Tensor)b;

        public void Dispose() => Root.Dispose();

        private sealed class Lowered(Layers layers, PlanBuilder plan) : ILayers
        {
            public object Conv(object x) => layers._conv.Lower(plan, (PlanValue)x);

            public object Conv2(object x) => layers._conv2.Lower(plan, (PlanValue)x);

            public object Norm(object x) => layers._norm.Lower(plan, (PlanValue)x);

            public object Relu(object x) => plan.Unary(UnaryOp.Relu, (PlanValue)x);

            public object Tanh(object x) => plan.Unary(UnaryOp.Tanh, (PlanValue)x);

            public object Add(object a, object b) => plan.Add((PlanValue)a, (PlanValue)b);
        }
    }
}
