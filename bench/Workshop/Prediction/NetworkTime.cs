using EscNative.Engine.Plans;
using EscNative.Kernels.Cuda;

namespace EscNative.Bench.Workshop;

/// <summary>Predicted seconds of a compiled network.</summary>
/// <param name="gpu">The device.</param>
/// <param name="steps">The plan's steps.</param>
internal sealed class NetworkTime(GpuModel gpu, IReadOnlyList<PlanStepInfo> steps)
{
    // Of the multiply-adds' peak: two batches of products and a softmax between them.
    private const double AttentionShare = 0.5;
    private const int AttentionLaunches = 3;

    /// <summary>How many images the plan takes at a time; 0 images a run: unknown.</summary>
    public int Chunk(int imagesPerRun = 0) => CudaChunk.Choose(
        [.. steps.Select(Layer).OfType<ProductLayer>()], steps.Count, (long)steps.Max(s => s.Bytes), gpu.Shape, gpu.MemoryBytes, imagesPerRun);

    /// <summary>All steps for some images, in chunks; their bytes are on the device already.</summary>
    public double Forward(int images, int chunk)
    {
        var (whole, rest) = Math.DivRem(images, chunk);
        return (whole * Chunks(chunk)) + (rest == 0 ? 0 : Chunks(rest));
    }

    /// <summary>A step for so many images at once.</summary>
    public double Step(PlanStepInfo step, int images)
    {
        var bytes = (images * step.Bytes) + step.WeightBytes;
        if (Layer(step) is { } layer)
            return KernelTime.Launch(gpu, Request(layer, images), bytes);
        if (!step.Kind.StartsWith("attention", StringComparison.Ordinal))
            return gpu.Stream(bytes);
        var peak = 256.0 / gpu.Shape.MultiplyAddClocks * gpu.Shape.Multiprocessors * gpu.Hertz;
        return (images * step.Flops / peak / AttentionShare) + (AttentionLaunches * GpuModel.LaunchSeconds);
    }

    /// <summary>The kernel of a step, and how many blocks it has; null where it is no product.</summary>
    public (ProductVariant Kernel, long Blocks)? Kernel(PlanStepInfo step, int images)
    {
        if (Layer(step) is not { } layer)
            return null;
        var kernel = ProductVariants.Pick(Request(layer, images));
        return (kernel, kernel.Blocks(layer.Pixels * images, layer.Channels));
    }

    private ProductRequest Request(ProductLayer layer, int images) =>
        new(ProductPass.Forward, DType.F32, layer.Pixels * images, layer.Channels, layer.Depth, gpu.Shape);

    private double Chunks(int images) => steps.Sum(step => Step(step, images));

    private static ProductLayer? Layer(PlanStepInfo step)
    {
        // Convolutions with groups or dilations are no products on a GPU.
        if (step.Kind.Contains(" groups ", StringComparison.Ordinal) || step.Kind.Contains(" depthwise", StringComparison.Ordinal)
            || step.Kind.Contains(" dilation ", StringComparison.Ordinal))
        {
            return null;
        }

        if (!step.Kind.StartsWith("conv", StringComparison.Ordinal) && !step.Kind.StartsWith("linear", StringComparison.Ordinal))
            return null;
        var channels = step.Output[^1];
        // Weights and a bias for each channel.
        return new ProductLayer(step.Output.Count / channels, channels, (long)(step.WeightBytes / sizeof(float) / channels) - 1);
    }
}
