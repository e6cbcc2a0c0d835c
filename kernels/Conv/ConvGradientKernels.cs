using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>The gradients of a convolution on a GPU.</summary>
public sealed unsafe class ConvGradientKernels : KernelFamily
{
    private const int MostResidues = 65535;

    private readonly ProductFunctions _data;
    private readonly ProductFunctions _weight;
    private readonly CudaFunction[] _sumSplits;
    private readonly GpuShape _gpu;

    /// <summary>Loads the kernels.</summary>
    /// <exception cref="DeviceException">They cannot be compiled or loaded.</exception>
    public ConvGradientKernels(CudaContext context)
        : base(context, "conv_gradient")
    {
        _gpu = GpuShape.Of(context);
        _data = new ProductFunctions(ProductPass.DataGradient, _gpu, Function);
        _weight = new ProductFunctions(ProductPass.WeightGradient, _gpu, Function);
        _sumSplits = Typed("conv_sum_splits");
    }

    /// <summary>Bytes of workspace for a weight gradient.</summary>
    public static long WeightWorkspaceBytes(DType type, in WindowShape s)
    {
        var (splits, _) = ConvSplits.Of(type, s, ProductVariants.Pick(ProductRequest.WeightGradient(type, s)));
        return splits == 1 ? 0 : (long)splits * s.OutChannels * s.Taps * ProductTiles.AccumulatorBytes(type);
    }

    /// <summary>dx = the gradient of the images.</summary>
    /// <param name="type">The type of images and weights.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="dy">[n, oh, ow, o].</param>
    /// <param name="weight">[o, kh, kw, c].</param>
    /// <param name="dx">[n, h, w, c].</param>
    /// <exception cref="DeviceException">The sizes are beyond what a launch can do.</exception>
    public void Data(DType type, in WindowShape s, nint dy, nint weight, nint dx) =>
        Data(type, s, ProductVariants.Pick(ProductRequest.DataGradient(type, s, _gpu)), dy, weight, dx);

    /// <summary>dweight = the gradient of the weights; the sum over the output pixels is cut by the sizes alone.</summary>
    /// <param name="type">The type of images and weights.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="dy">[n, oh, ow, o].</param>
    /// <param name="dweight">[o, kh, kw, c].</param>
    /// <param name="workspace"><see cref="WeightWorkspaceBytes"/>, or 0 for none.</param>
    /// <exception cref="DeviceException">The sizes are beyond what a launch can do.</exception>
    public void Weight(DType type, in WindowShape s, nint x, nint dy, nint dweight, nint workspace)
    {
        var kernel = ProductVariants.Pick(ProductRequest.WeightGradient(type, s));
        Weight(type, s, kernel, ConvSplits.Of(type, s, kernel), x, dy, dweight, workspace);
    }

    internal void Data(DType type, in WindowShape s, ProductVariant kernel, nint dy, nint weight, nint dx)
    {
        if ((long)s.Batch * s.Height * s.Width * s.InChannels == 0)
            return;
        var sizes = WindowArguments.OfConvolution(s);
        // The pixels of one residue of the strides meet the same taps; each residue has blocks of its own.
        var residues = (long)s.StrideHeight * s.StrideWidth;
        if (residues > MostResidues)
            throw new DeviceException($"Conv2d: got a stride of {s.StrideHeight} x {s.StrideWidth}, wants a product of at most {MostResidues}");
        var pixels = s.Batch * ProductTiles.Count(s.Height, s.StrideHeight) * ProductTiles.Count(s.Width, s.StrideWidth);
        void** arguments = stackalloc void*[] { &sizes, &dy, &weight, &dx };
        Stream.Launch(
            _data.Of(kernel, type),
            ProductTiles.Grid("Conv2d", kernel.Blocks(pixels, s.InChannels)) with { GridY = (uint)residues }, arguments);
    }

    internal void Weight(
        DType type, in WindowShape s, ProductVariant kernel, (int Splits, int Depth) cut, nint x, nint dy, nint dweight, nint workspace)
    {
        var count = (long)s.OutChannels * s.Taps;
        if (count == 0)
            return;
        var sizes = WindowArguments.OfConvolution(s);
        var (splits, depth) = cut;
        void** arguments = stackalloc void*[] { &sizes, &x, &dy, &dweight, &workspace, &splits, &depth };
        Stream.Launch(
            _weight.Of(kernel, type),
            ProductTiles.Grid("Conv2d", kernel.Blocks(s.OutChannels, s.Taps) * splits), arguments);
        if (splits == 1)
            return;
        void** summed = stackalloc void*[] { &workspace, &dweight, &count, &splits };
        Stream.Launch(_sumSplits[(int)type], LaunchShape.ForCount(count), summed);
    }
}
