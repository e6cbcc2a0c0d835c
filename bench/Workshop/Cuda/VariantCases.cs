using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Bench.Workshop;

/// <summary>Every row of the table of product kernels on sizes that fit it: what the table predicts of it, beside what it takes.</summary>
internal static class VariantCases
{
    /// <summary>A case for each row, in the first of its types. Nothing touches the device before a case is prepared.</summary>
    /// <param name="device">Where they will run.</param>
    /// <param name="small">Whether in sizes that an emulated device can run.</param>
    public static IEnumerable<CudaKernelCase> All(Device device, bool small) => ProductVariants.All.Select(
        row => row.Pass == ProductPass.Matrix ? Product(device, row, small ? 64 : 2048) : Convolution(device, row, small));

    private static CudaKernelCase Product(Device device, ProductVariant row, int n)
    {
        var type = row.Types[0];
        return new CudaKernelCase(
            $"{row}: {n} x {n} x {n}, {type}", 2.0 * n * n * n, 3.0 * n * n * type.Size(), type == DType.F64,
            () =>
            {
                Tensor a = CudaKernelCases.Random(device, type, n, n), b = CudaKernelCases.Random(device, type, n, n), c = CudaKernelCases.Random(device, type, n, n);
                var kernels = new GemmKernels(Context(device));
                // The run holds the three as long as the addresses are used.
                using var call = KernelCall.Begin();
                var product = new MatrixProduct(a.Pointer, false, n, b.Pointer, false, n, c.Pointer, n, n, n, n);
                return new CudaKernelRun(() => kernels.Multiply(type, product, new GemmPlan(row, 1, n), 0), a, b, c);
            },
            gpu => gpu.Kernel(row.Clocks(new ProductRequest(ProductPass.Matrix, type, n, n, n, gpu.Shape)), 3.0 * n * n * type.Size()));
    }

    // As many channels as fill the row's tiles.
    private static CudaKernelCase Convolution(Device device, ProductVariant row, bool small)
    {
        var (batch, side, channels) = small ? (1, 4, 8) : (256, 16, row.Columns);
        var (type, s) = (row.Types[0], WindowShape.Of((batch, side, side, channels), channels, (3, 3), (1, 1), (1, 1)));
        var cut = ConvSplits.Of(type, s, row);
        var bytes = (double)type.Size() * channels * ((2.0 * s.OutPixels) + s.Taps);
        return new CudaKernelCase(
            $"{row}: convolution 3x3 {channels} -> {channels} of {batch} x {side} x {side}, {type}", s.Flops, bytes, type == DType.F64,
            () =>
            {
                Tensor x = CudaKernelCases.Random(device, type, batch, side, side, channels), y = CudaKernelCases.Random(device, type, batch, side, side, channels);
                Tensor w = CudaKernelCases.Random(device, type, channels, 3, 3, channels), parts = CudaKernelCases.Random(device, DType.F64, cut.Splits, channels, s.Taps);
                using var call = KernelCall.Begin();
                nint px = x.Pointer, py = y.Pointer, pw = w.Pointer, workspace = parts.Pointer;
                return new CudaKernelRun(Issue(), x, y, w, parts);

                Action Issue()
                {
                    if (row.Pass == ProductPass.Forward)
                    {
                        var forward = new ConvForwardKernels(Context(device));
                        return () => forward.Forward(type, s, row, px, pw, 0, 0, relu: false, py);
                    }

                    var gradient = new ConvGradientKernels(Context(device));
                    return row.Pass == ProductPass.DataGradient
                        ? () => gradient.Data(type, s, row, py, pw, px)
                        : () => gradient.Weight(type, s, row, cut, px, py, pw, workspace);
                }
            },
            gpu => gpu.Kernel(
                row.Pass switch
                {
                    ProductPass.Forward => row.Clocks(ProductRequest.Forward(type, s, gpu.Shape)),
                    ProductPass.DataGradient => row.Clocks(ProductRequest.DataGradient(type, s, gpu.Shape)),
                    _ => row.Clocks(ProductRequest.WeightGradient(type, s) with { Depth = cut.Depth, Copies = cut.Splits, Gpu = gpu.Shape })
                        + TileCost.SplitClocks(cut.Splits, (double)channels * s.Taps * ProductTiles.AccumulatorBytes(type)),
                },
                bytes));
    }

    private static CudaContext Context(Device device) => ((CudaBackend)device.Backend).Context;
}
