namespace EscNative.Kernels.Cuda;

/// <summary>The table of product kernels (tile.cuh). This is the one place that chooses a convolution's or a matrix product's: of the rows that
/// can do it, that of the least cost. A further kernel is a further row here and its line in the <c>.cu</c>.</summary>
/// <remarks>
/// <para>A value is one chain of fused multiply-adds along k in each of them, so the choice changes no bit of a result and may follow the number
/// of images and the device. A row that sums in another order may not: it needs a request of its own. A window of one pixel is a convolution
/// too: as a matrix product it would cost the same, and cuBLAS would round a row differently for another number of rows.</para>
/// <para>Instructions counted in the machine code of conv_forward, NVRTC 12.4 for sm_90: multiply-adds are 77 % of a whole step with
/// 128 x 128, 70 with 128 x 96, 67 with 128 x 64, 61 with 128 x 48, 51 with 128 x 32 and 49 with 64 x 64. A matrix product computes fewer addresses and is taken to
/// cost the same; the weight gradient's 96 x 128 is taken for 128 x 96. Not timed on any GPU.</para>
/// </remarks>
internal static class ProductVariants
{
    /// <summary>All rows; of two of the same cost the first is taken.</summary>
    public static readonly ProductVariant[] All =
    [
        new(ProductPass.Forward, "conv_forward_64x64", 64, 64, 526, 3, DType.F32, DType.BF16, DType.F64),
        new(ProductPass.Forward, "conv_forward_128x128", 128, 128, 1336, 2, DType.F32),
        new(ProductPass.Forward, "conv_forward_128x96", 128, 96, 1090, 2, DType.F32),
        new(ProductPass.Forward, "conv_forward_128x64", 128, 64, 765, 2, DType.F32),
        new(ProductPass.Forward, "conv_forward_128x48", 128, 48, 628, 2, DType.F32),
        // The 16 and 32 channels of a ResNet-20's first two stages.
        new(ProductPass.Forward, "conv_forward_128x32", 128, 32, 500, 3, DType.F32) { MostColumns = 32 },

        new(ProductPass.DataGradient, "conv_data_gradient_64x64", 64, 64, 526, 3, DType.F32, DType.BF16, DType.F64),
        new(ProductPass.DataGradient, "conv_data_gradient_128x128", 128, 128, 1336, 2, DType.F32),
        new(ProductPass.DataGradient, "conv_data_gradient_128x96", 128, 96, 1090, 2, DType.F32),
        new(ProductPass.DataGradient, "conv_data_gradient_128x64", 128, 64, 765, 2, DType.F32),
        new(ProductPass.DataGradient, "conv_data_gradient_128x48", 128, 48, 628, 2, DType.F32),

        new(ProductPass.WeightGradient, "conv_weight_gradient_64x64", 64, 64, 526, 3, DType.F32, DType.BF16, DType.F64),
        new(ProductPass.WeightGradient, "conv_weight_gradient_128x128", 128, 128, 1336, 2, DType.F32),
        new(ProductPass.WeightGradient, "conv_weight_gradient_96x128", 96, 128, 1090, 2, DType.F32),

        new(ProductPass.Matrix, "gemm_xx_64", 64, 64, 526, 3, DType.F32, DType.BF16, DType.F64),
        new(ProductPass.Matrix, "gemm_xx_128", 128, 128, 1336, 2, DType.F32),
    ];

    private static readonly ProductVariant[][] ByPass =
        Array.ConvertAll(Enum.GetValues<ProductPass>(), pass => Array.FindAll(All, row => row.Pass == pass));

    /// <summary>The rows of a pass.</summary>
    public static ProductVariant[] Of(ProductPass pass) => ByPass[(int)pass];

    /// <summary>The row of the least cost.</summary>
    /// <exception cref="DeviceException">No row can do it.</exception>
    public static ProductVariant Pick(in ProductRequest request)
    {
        var (best, least) = ((ProductVariant?)null, double.PositiveInfinity);
        foreach (var row in Of(request.Pass))
        {
            if (row.Supports(request) && row.Cost(request) is var cost && cost < least)
                (best, least) = (row, cost);
        }

        return best ?? throw new DeviceException(
            $"{request.Pass}: no kernel takes {request.Type} of {request.Rows} x {request.Columns} x {request.Depth} on sm_{request.Gpu.Architecture}");
    }
}
