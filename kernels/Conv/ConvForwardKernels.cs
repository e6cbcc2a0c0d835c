using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Convolutions on a GPU, as matrix products whose rows are gathered on the way.</summary>
/// <remarks>The bits of a pixel depend on its image and the layer alone: not on how many images there are, nor where it stands among them.</remarks>
public sealed unsafe class ConvForwardKernels : KernelFamily
{
    private const uint MostBlocksY = 65535;

    private readonly CudaFunction[] _small;
    private readonly CudaFunction[] _f32;
    private readonly GpuShape _gpu;

    /// <summary>Loads the kernels.</summary>
    /// <exception cref="DeviceException">They cannot be compiled or loaded.</exception>
    public ConvForwardKernels(CudaContext context)
        : base(context, "conv_forward")
    {
        _gpu = GpuShape.Of(context);
        _small = Typed($"conv_forward_{ConvTile.Small}");
        _f32 = Array.ConvertAll(ConvTile.OfPixels, tile => Function($"conv_forward_{tile}_f32"));
    }

    /// <summary>y = f(conv(x) + bias + residual).</summary>
    /// <param name="type">The type of images and weights.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="weight">[o, kh, kw, c].</param>
    /// <param name="bias">[o] float32 (float64 for F64), or 0 for none.</param>
    /// <param name="residual">[n, oh, ow, o], or 0 for none; may be y.</param>
    /// <param name="relu">Whether f is max(., 0); else it is the identity.</param>
    /// <param name="y">[n, oh, ow, o].</param>
    /// <exception cref="DeviceException">The sizes are beyond what a launch can do.</exception>
    public void Forward(DType type, in WindowShape s, nint x, nint weight, nint bias, nint residual, bool relu, nint y) =>
        Forward(type, s, ConvTile.ForPixels(type, s.OutPixels, s.OutChannels, s.Taps, _gpu), x, weight, bias, residual, relu, y);

    /// <summary>The same with a tile of one's choice.</summary>
    internal void Forward(DType type, in WindowShape s, ConvTile tile, nint x, nint weight, nint bias, nint residual, bool relu, nint y)
    {
        if (s.OutPixels * s.OutChannels == 0)
            return;
        var (sizes, flag) = (WindowArguments.OfConvolution(s), relu ? 1 : 0);
        var rows = ProductTiles.Count(s.OutPixels, tile.Rows);
        var (gridY, gridZ) = ((uint)Math.Min(rows, MostBlocksY), ProductTiles.Count(rows, (int)MostBlocksY));
        if (gridZ > MostBlocksY)
            throw new DeviceException($"Conv2d: got {s.OutPixels} output pixels, wants fewer than 2^38; pass fewer images at once");
        void** arguments = stackalloc void*[] { &sizes, &x, &weight, &bias, &residual, &flag, &y };
        var shape = new LaunchShape((uint)ProductTiles.Count(s.OutChannels, tile.Columns), gridY, (uint)gridZ, ProductTiles.Threads);
        var special = Array.IndexOf(ConvTile.OfPixels, tile);
        Stream.Launch(special < 0 ? _small[(int)type] : _f32[special], shape, arguments);
    }
}
