using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Bench.Workshop;

/// <summary>Plans of the paper's networks with random weights, up to the features, for their shapes: what a forward pass costs depends on
/// nothing else.</summary>
internal static class ReferenceNetworks
{
    /// <summary>All-CNN: 3 and 5 convolutions of some and twice as many channels, then the mean of the pixels.</summary>
    public static InferencePlan AllCnn(Device device, int side, int width) => Build(device, (side, side, 3), (b, weights) => AllCnn(b, weights, width));

    /// <summary>The steps of <see cref="AllCnn(Device, int, int)"/>, without a device.</summary>
    public static IReadOnlyList<PlanStepInfo> DescribeAllCnn(int side, int width) => Describe((side, side, 3), (b, weights) => AllCnn(b, weights, width));

    /// <summary>ResNet-18 with the stem for small images: a 3x3 convolution and no pooling.</summary>
    public static InferencePlan ResNet18(Device device, int side, int width) => Build(device, (side, side, 3), (b, weights) => ResNet18(b, weights, width));

    /// <summary>The steps of <see cref="ResNet18(Device, int, int)"/>, without a device.</summary>
    public static IReadOnlyList<PlanStepInfo> DescribeResNet18(int side, int width) => Describe((side, side, 3), (b, weights) => ResNet18(b, weights, width));

    private static PlanValue AllCnn(PlanBuilder b, RandomSource? weights, int width)
    {
        var x = b.Input;
        foreach (var (channels, kernel, stride) in new[]
        {
            (width, 3, 1), (width, 3, 1), (2 * width, 3, 2), (2 * width, 3, 1), (2 * width, 3, 1), (2 * width, 3, 2), (2 * width, 3, 1), (2 * width, 1, 1),
        })
            x = b.Unary(UnaryOp.Relu, Conv(b, weights, x, channels, kernel, stride));
        return b.GlobalAveragePool2d(x);
    }

    private static PlanValue ResNet18(PlanBuilder b, RandomSource? weights, int width)
    {
        var x = b.Unary(UnaryOp.Relu, Conv(b, weights, b.Input, width, 3, 1));
        for (var stage = 0; stage < 4; stage++)
        {
            for (var block = 0; block < 2; block++)
            {
                var (channels, stride) = (width << stage, stage > 0 && block == 0 ? 2 : 1);
                var y = b.Unary(UnaryOp.Relu, Conv(b, weights, x, channels, 3, stride));
                var shortcut = stride == 1 ? x : Conv(b, weights, x, channels, 1, stride);
                x = b.Unary(UnaryOp.Relu, b.Add(Conv(b, weights, y, channels, 3, 1), shortcut));
            }
        }

        return b.GlobalAveragePool2d(x);
    }

    /// <summary>The encoder of a vision transformer on tokens [t, d]; patches and class token are not part of it.</summary>
    public static InferencePlan VisionTransformer(Device device, int tokens, int width, int heads, int depth) =>
        Build(device, (tokens, width), (b, weights) =>
        {
            var x = b.Input;
            for (var layer = 0; layer < depth; layer++)
            {
                var n = Norm(b, x);
                var attention = b.Attention(Linear(b, weights, n, width), Linear(b, weights, n, width), Linear(b, weights, n, width), heads);
                x = b.Add(x, Linear(b, weights, attention, width));
                x = b.Add(x, Linear(b, weights, b.Unary(UnaryOp.Gelu, Linear(b, weights, Norm(b, x), 4 * width)), width));
            }

            return Norm(b, x);
        });

    private static InferencePlan Build(Device device, Shape image, Func<PlanBuilder, RandomSource?, PlanValue> describe)
    {
        // Only names come from the module.
        using var root = new Relu();
        using var scope = Tensor.Scope();
        var builder = new PlanBuilder(root, image);
        return builder.Compile(device, null, describe(builder, new RandomSource(1)));
    }

    private static IReadOnlyList<PlanStepInfo> Describe(Shape image, Func<PlanBuilder, RandomSource?, PlanValue> describe)
    {
        using var root = new Relu();
        using var scope = Tensor.Scope();
        var builder = new PlanBuilder(root, image);
        return builder.Describe(describe(builder, null));
    }

    private static PlanValue Conv(PlanBuilder b, RandomSource? weights, PlanValue x, int outputs, int kernel, int stride)
    {
        var inputs = x.Shape[2];
        return b.Conv2d(x, Random(weights, (outputs, kernel, kernel, inputs), kernel * kernel * inputs), Random(weights, outputs, 1), stride, (kernel - 1) / 2);
    }

    private static PlanValue Linear(PlanBuilder b, RandomSource? weights, PlanValue x, int outputs) =>
        b.Linear(x, Random(weights, (outputs, x.Shape[^1]), x.Shape[^1]), Random(weights, outputs, 1));

    private static PlanValue Norm(PlanBuilder b, PlanValue x) => b.LayerNorm(x, Tensor.Ones(x.Shape[^1]), Tensor.Zeros(x.Shape[^1]), 1e-6);

    // Of the size that keeps activations in range; zeros for shapes alone.
    private static Tensor Random(RandomSource? weights, Shape shape, int fanIn)
    {
        if (weights is null)
            return Tensor.Zeros(shape, DType.F32, Device.Cpu);
        var values = new float[shape.Count];
        weights.FillNormal(values);
        var scale = MathF.Sqrt(2f / fanIn);
        foreach (ref var value in values.AsSpan())
            value *= scale;
        return Tensor.From(values, shape, Device.Cpu);
    }
}
