using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Convolutions on a GPU, as matrix products whose rows are gathered on the way.</summary>
/// <remarks>The bits of a pixel depend on its image and the layer alone: not on how many images there are, nor where it stands among them.</remarks>
public sealed unsafe class ConvForwardKernels : KernelFamily
{
    private const uint MostBlocksY = 65535;

    private readonly ProductFunctions _forward;
    private readonly GpuShape _gpu;

    /// <summary>Loads the kernels.</summary>
    /// <exception cref="DeviceException">They cannot be compiled or loaded.</exception>
    public ConvForwardKernels(CudaContext context)
        : base(context, "conv_forward")
    {
        _gpu = GpuShape.Of(context);
        _forward = new ProductFunctions(ProductPass.Forward, _gpu, Function);
    }

    /// <summary>y = f(conv(x) + bias + residual).</summary>
    /// <param name="type">The type of images and weights.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="weight">[o, kh, kw, c].</param>
    /// <param name="bias">[o] float32 (float64 for F64), or 0 for none.</param>
    /// <param name="residual">[n, oh, ow, o], or 0 for none; may be y.</param>
    /// <param name="relu">Whether f is max(., 0); else it is the identity, or <paramref name="function"/>.</param>
    /// <param name="y">[n, oh, ow, o].</param>
    /// <param name="function">f, if it is one that <see cref="Cpu.ConvEpilogue.Takes"/> names.</param>
    /// <exception cref="DeviceException">The sizes are beyond what a launch can do.</exception>
    public void Forward(DType type, in WindowShape s, nint x, nint weight, nint bias, nint residual, bool relu, nint y, UnaryOp? function = null) =>
        Forward(type, s, ProductVariants.Pick(ProductRequest.Forward(type, s, _gpu)), x, weight, bias, residual, relu, y, function);

    /// <summary>How a pixel ends, as the kernels number it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A function that a convolution does not end in.</exception>
    /// <exception cref="ArgumentException">ReLU and a function.</exception>
    internal static int FunctionOf(bool relu, UnaryOp? function) => function switch
    {
        { } op when relu => throw new ArgumentException($"convolution: got ReLU and {op}; it ends in one function", nameof(function)),
        null => relu ? 1 : 0,
        UnaryOp.Gelu => 2,
        UnaryOp.GeluTanh => 3,
        UnaryOp.Silu => 4,
        UnaryOp.Relu6 => 5,
        _ => throw new ArgumentOutOfRangeException(nameof(function), function, "convolution: not a function that one ends in"),
    };

    /// <summary>The same by a kernel of one's choice.</summary>
    internal void Forward(DType type, in WindowShape s, ProductVariant kernel, nint x, nint weight, nint bias, nint residual, bool relu, nint y, UnaryOp? function = null)
    {
        if (s.OutPixels * s.OutChannels == 0)
            return;
        var (sizes, flag) = (WindowArguments.OfConvolution(s), FunctionOf(relu, function));
        var rows = ProductTiles.Count(s.OutPixels, kernel.Rows);
        var (gridY, gridZ) = ((uint)Math.Min(rows, MostBlocksY), ProductTiles.Count(rows, (int)MostBlocksY));
        if (gridZ > MostBlocksY)
            throw new DeviceException($"Conv2d: got {s.OutPixels} output pixels, wants fewer than 2^38; pass fewer images at once");
        void** arguments = stackalloc void*[] { &sizes, &x, &weight, &bias, &residual, &flag, &y };
        var shape = new LaunchShape((uint)ProductTiles.Count(s.OutChannels, kernel.Columns), gridY, (uint)gridZ, ProductTiles.Threads);
        Stream.Launch(_forward.Of(kernel, type), shape, arguments);
    }
}
