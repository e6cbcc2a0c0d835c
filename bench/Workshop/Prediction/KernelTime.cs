using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Bench.Workshop;

/// <summary>Predicted seconds of products and convolutions.</summary>
internal static class KernelTime
{
    // cuBLAS: the share of the multiply-adds' clocks that its tiles of 128 x 128 reach, and its tensor cores' factor in float64.
    private const double LibraryShare = 0.9;
    private const double TensorF64 = 2;

    /// <summary>A product of n x n matrices.</summary>
    public static double Product(GpuModel gpu, int n, bool wide, bool own)
    {
        var type = wide ? DType.F64 : DType.F32;
        double bytes = 3.0 * n * n * (wide ? sizeof(double) : sizeof(float));
        if (own)
        {
            var product = new MatrixProduct(0, false, n, 0, false, n, 0, n, n, n, n);
            var plan = GemmPlan.Of(type, product, hasCublas: false, gpu.Shape);
            return gpu.Kernel(GemmPlan.Clocks(plan.Kernel!, type, product, plan.Splits, plan.Depth, gpu.Shape), bytes);
        }

        const int side = 128;
        double tiles = (double)((n + side - 1) / side) * ((n + side - 1) / side);
        var perClock = wide ? TensorF64 * gpu.F64PerClock : 128.0 / gpu.Shape.MultiplyAddClocks;
        return gpu.Kernel(Math.Ceiling(tiles / gpu.Shape.Multiprocessors) * side * side * n / perClock / LibraryShare, bytes);
    }

    /// <summary>A convolution or one of its gradients.</summary>
    /// <param name="gpu">The device.</param>
    /// <param name="pass">forward, data gradient or weight gradient.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="bytes">What it reads and writes.</param>
    public static double Convolution(GpuModel gpu, string pass, WindowShape s, double bytes)
    {
        switch (pass)
        {
            case "forward":
                return Launch(gpu, ProductRequest.Forward(DType.F32, s, gpu.Shape), bytes);
            case "data gradient":
                return Launch(gpu, ProductRequest.DataGradient(DType.F32, s, gpu.Shape), bytes);
            default:
                var request = ProductRequest.WeightGradient(DType.F32, s);
                var kernel = ProductVariants.Pick(request);
                var (splits, depth) = ConvSplits.Of(DType.F32, s, kernel);
                return gpu.Kernel(
                    kernel.Clocks(request with { Depth = depth, Copies = splits, Gpu = gpu.Shape })
                    + TileCost.SplitClocks(splits, (double)s.OutChannels * s.Taps * sizeof(float)),
                    bytes);
        }
    }

    /// <summary>A launch of the kernel that the table picks.</summary>
    public static double Launch(GpuModel gpu, in ProductRequest request, double bytes) => gpu.Kernel(TileCost.Clocks(request), bytes);
}
