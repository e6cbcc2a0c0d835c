using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>The gradients of a convolution on a GPU.</summary>
public sealed unsafe class ConvGradientKernels : KernelFamily
{
    private const int MostResidues = 65535;

    private readonly CudaFunction[] _data;
    private readonly CudaFunction[] _dataF32;
    private readonly CudaFunction[] _weight;
    private readonly CudaFunction[] _weightF32;
    private readonly CudaFunction[] _sumSplits;
    private readonly GpuShape _gpu;

    /// <summary>Loads the kernels.</summary>
    /// <exception cref="DeviceException">They cannot be compiled or loaded.</exception>
    public ConvGradientKernels(CudaContext context)
        : base(context, "conv_gradient")
    {
        _gpu = GpuShape.Of(context);
        _data = Typed($"conv_data_gradient_{ConvTile.Small}");
        _dataF32 = Array.ConvertAll(ConvTile.OfPixels, tile => Function($"conv_data_gradient_{tile}_f32"));
        _weight = Typed($"conv_weight_gradient_{ConvTile.Small}");
        _weightF32 = Array.ConvertAll(ConvTile.OfWeights, tile => Function($"conv_weight_gradient_{tile}_f32"));
        _sumSplits = Typed("conv_sum_splits");
    }

    /// <summary>Bytes of workspace for a weight gradient.</summary>
    public static long WeightWorkspaceBytes(DType type, in WindowShape s)
    {
        var (splits, _) = ConvTile.CutOf(type, s, ConvTile.ForWeights(type, s.OutChannels, s.Taps));
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
        Data(type, s, ConvTile.ForPixels(type, (long)s.Batch * s.Height * s.Width, s.InChannels, DepthOfData(s), _gpu), dy, weight, dx);

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
        var tile = ConvTile.ForWeights(type, s.OutChannels, s.Taps);
        Weight(type, s, tile, ConvTile.CutOf(type, s, tile), x, dy, dweight, workspace);
    }

    // Products of a value of the images' gradient: the pixels of a residue of the strides meet every so many-th tap.
    internal static long DepthOfData(in WindowShape s) =>
        ProductTiles.Count(s.KernelHeight, s.StrideHeight) * ProductTiles.Count(s.KernelWidth, s.StrideWidth) * s.OutChannels;

    internal void Data(DType type, in WindowShape s, ConvTile tile, nint dy, nint weight, nint dx)
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
        var special = Array.IndexOf(ConvTile.OfPixels, tile);
        Stream.Launch(
            special < 0 ? _data[(int)type] : _dataF32[special],
            ProductTiles.Grid("Conv2d", tile.Blocks(pixels, s.InChannels)) with { GridY = (uint)residues }, arguments);
    }

    internal void Weight(
        DType type, in WindowShape s, ConvTile tile, (int Splits, int Depth) cut, nint x, nint dy, nint dweight, nint workspace)
    {
        var count = (long)s.OutChannels * s.Taps;
        if (count == 0)
            return;
        var sizes = WindowArguments.OfConvolution(s);
        var (splits, depth) = cut;
        void** arguments = stackalloc void*[] { &sizes, &x, &dy, &dweight, &workspace, &splits, &depth };
        var special = Array.IndexOf(ConvTile.OfWeights, tile);
        Stream.Launch(
            special < 0 ? _weight[(int)type] : _weightF32[special],
            ProductTiles.Grid("Conv2d", tile.Blocks(s.OutChannels, s.Taps) * splits), arguments);
        if (splits == 1)
            return;
        void** summed = stackalloc void*[] { &workspace, &dweight, &count, &splits };
        Stream.Launch(_sumSplits[(int)type], LaunchShape.ForCount(count), summed);
    }
}
