using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Tests.Engine;

namespace EscNative.Tests.Plans;

/// <summary>NaN passes through whatever is fused behind a step: bias, norm, residual and ReLU.</summary>
public sealed class EpilogueTests
{
    public static TheoryData<string> Names => [.. Networks.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void What_the_eager_network_makes_NaN_the_plan_makes_NaN(string name)
    {
        using var net = Networks[name](new RandomSource(1));
        net.Training = false;
        const int images = 2, size = 9 * 9 * 8;
        var dice = new Random(5);
        var x = Enumerable.Range(0, images * size).Select(_ => (float)dice.NextDouble() - 0.5f).ToArray();
        // One pixel's one channel, in the second image.
        x[size + (8 * ((9 * 4) + 4)) + 3] = float.NaN;
        float[] wanted;
        using (Tensor.Scope())
        using (Tensor.NoGrad())
            wanted = net.Forward(Tensor.From(x, (images, 9, 9, 8))).ToArray();
        Assert.Contains(wanted, float.IsNaN);
        using var plan = InferencePlan.Compile(net, (9, 9, 8));
        var got = new float[wanted.Length];
        plan.Run(x, got);
        for (var i = 0; i < wanted.Length; i++)
            Assert.True(!float.IsNaN(wanted[i]) || float.IsNaN(got[i]), $"value {i} is {got[i]}, wanted NaN");
        // A transform may spread it over a tile, never to another image.
        Assert.DoesNotContain(got[..(got.Length / 2)], float.IsNaN);
    }

    private static Dictionary<string, Func<RandomSource, Sequential>> Networks { get; } = new()
    {
        ["3x3 + relu"] = r => new(new Conv2d(8, 16, 3, r, 1, 1), new Relu()),
        ["3x3 stride 2 + relu"] = r => new(new Conv2d(8, 16, 3, r, 2, 1), new Relu()),
        ["1x1 + norm + relu"] = r => new(new Conv2d(8, 24, 1, r), new BatchNorm2d(24), new Relu()),
        ["5x5 + relu"] = r => new(new Conv2d(8, 7, 5, r, 1, 2), new Relu()),
        ["3x3 + residual + relu"] = r => new(new Residual(new Conv2d(8, 8, 3, r, 1, 1)), new Relu()),
        ["NaN in the residual + relu"] = r => new(new Residual(new Sequential(new Relu(), new Conv2d(8, 8, 1, r))), new Relu()),
        ["norm + relu"] = r => new(new BatchNorm2d(8), new Relu()),
        ["relu"] = r => new(new Relu()),
        ["linear + relu"] = r => new(new Linear(8, 5, r), new Relu()),
        ["global mean + linear + relu"] = r => new(new GlobalAveragePool2d(), new Linear(8, 5, r), new Relu()),
    };
}
