namespace EscNative.Kernels.Cuda;

/// <summary>What is asked of the table of product kernels: a result and the device that computes it.</summary>
/// <param name="Pass">What is computed.</param>
/// <param name="Type">The type of all operands.</param>
/// <param name="Rows">Rows of the result.</param>
/// <param name="Columns">Columns of the result.</param>
/// <param name="Depth">Products of a value; of a sum that is cut, those of a piece.</param>
/// <param name="Gpu">The device.</param>
/// <param name="Copies">How many results of these sizes the launch has: pieces of the sum times matrices of a batch.</param>
internal readonly record struct ProductRequest(
    ProductPass Pass, DType Type, long Rows, long Columns, long Depth, GpuShape Gpu, long Copies = 1)
{
    /// <summary>Steps of a block along k; each is 64 bytes long.</summary>
    public long Steps => ProductTiles.Count(Depth, 64 / ProductTiles.AccumulatorBytes(Type));

    /// <summary>A convolution.</summary>
    public static ProductRequest Forward(DType type, in WindowShape s, GpuShape gpu) =>
        new(ProductPass.Forward, type, s.OutPixels, s.OutChannels, s.Taps, gpu);

    /// <summary>The gradient of a convolution's images: the pixels of a residue of the strides meet every so many-th tap.</summary>
    public static ProductRequest DataGradient(DType type, in WindowShape s, GpuShape gpu) => new(
        ProductPass.DataGradient, type, (long)s.Batch * s.Height * s.Width, s.InChannels,
        ProductTiles.Count(s.KernelHeight, s.StrideHeight) * ProductTiles.Count(s.KernelWidth, s.StrideWidth) * s.OutChannels, gpu);

    /// <summary>The gradient of a convolution's weights. The cut of its sum follows from the kernel and changes bits, so the device is always
    /// the nominal one.</summary>
    public static ProductRequest WeightGradient(DType type, in WindowShape s) =>
        new(ProductPass.WeightGradient, type, s.OutChannels, s.Taps, s.OutPixels, GpuShape.Nominal);

    /// <summary>A matrix product whose sum is cut.</summary>
    public static ProductRequest Matrix(DType type, in MatrixProduct product, int splits, int depth, GpuShape gpu) =>
        new(ProductPass.Matrix, type, product.M, product.N, depth, gpu, (long)splits * product.Batch);
}
