using System.Runtime.InteropServices;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Convolutions with groups of channels or dilations, and their gradients, on a GPU: a thread takes one value.</summary>
/// <remarks>The bits of a pixel depend on its image and the layer alone; those of a weight's gradient on the sizes too.</remarks>
public sealed unsafe class ConvSlicedKernels : KernelFamily
{
    // As many threads as fill a large GPU; a piece of fewer pixels would cost more to sum than it saves.
    private const long WantedThreads = 1 << 18;
    private const int LeastDepth = 64;
    private const int MostSplits = 1024;

    private readonly CudaFunction[] _forward;
    private readonly CudaFunction[] _dataGradient;
    private readonly CudaFunction[] _weightGradient;
    private readonly CudaFunction[] _sum;

    /// <summary>Loads the kernels.</summary>
    /// <exception cref="DeviceException">They cannot be compiled or loaded.</exception>
    public ConvSlicedKernels(CudaContext context)
        : base(context, "conv_sliced")
    {
        _forward = Typed("conv_sliced_forward");
        _dataGradient = Typed("conv_sliced_data_gradient");
        _weightGradient = Typed("conv_sliced_weight_gradient");
        _sum = Typed("conv_sliced_sum");
    }

    /// <summary>Bytes of workspace for a weight gradient.</summary>
    public static long WeightWorkspaceBytes(DType type, in WindowShape s) => Cut(s).Splits * Weights(s) * ProductTiles.AccumulatorBytes(type);

    /// <summary>y = f(conv(x) + bias + residual).</summary>
    /// <param name="type">The type of images and weights.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="weight">[o, kh, kw, c / groups].</param>
    /// <param name="bias">[o] float32 (float64 for F64), or 0 for none.</param>
    /// <param name="residual">[n, oh, ow, o], or 0 for none; may be y.</param>
    /// <param name="relu">Whether f is max(., 0); else it is the identity, or the function.</param>
    /// <param name="y">[n, oh, ow, o].</param>
    /// <param name="last">What else f is, one of those that <see cref="Cpu.ConvEpilogue.Takes"/>; or null.</param>
    /// <exception cref="DeviceException">The sizes are beyond what a launch can do.</exception>
    public void Forward(DType type, in WindowShape s, nint x, nint weight, nint bias, nint residual, bool relu, nint y, UnaryOp? last = null)
    {
        var count = s.OutPixels * s.OutChannels;
        if (count == 0)
            return;
        var (sizes, slices, function) = (WindowArguments.OfConvolution(s), SliceArguments.Of(s), ConvForwardKernels.FunctionOf(relu, last));
        void** arguments = stackalloc void*[] { &sizes, &slices, &x, &weight, &bias, &residual, &function, &y, &count };
        Stream.Launch(_forward[(int)type], LaunchShape.ForCount(count), arguments);
    }

    /// <summary>dx = the gradient of the images.</summary>
    /// <param name="type">The type of images and weights.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="dy">[n, oh, ow, o].</param>
    /// <param name="weight">[o, kh, kw, c / groups].</param>
    /// <param name="dx">[n, h, w, c].</param>
    /// <exception cref="DeviceException">The sizes are beyond what a launch can do.</exception>
    public void Data(DType type, in WindowShape s, nint dy, nint weight, nint dx)
    {
        var count = (long)s.Batch * s.Height * s.Width * s.InChannels;
        if (count == 0)
            return;
        var (sizes, slices) = (WindowArguments.OfConvolution(s), SliceArguments.Of(s));
        void** arguments = stackalloc void*[] { &sizes, &slices, &dy, &weight, &dx, &count };
        Stream.Launch(_dataGradient[(int)type], LaunchShape.ForCount(count), arguments);
    }

    /// <summary>dweight = the gradient of the weights; the sum over the output pixels is cut by the sizes alone.</summary>
    /// <param name="type">The type of images and weights.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">[n, h, w, c].</param>
    /// <param name="dy">[n, oh, ow, o].</param>
    /// <param name="dweight">[o, kh, kw, c / groups].</param>
    /// <param name="workspace"><see cref="WeightWorkspaceBytes"/>.</param>
    /// <exception cref="DeviceException">The sizes are beyond what a launch can do.</exception>
    public void Weight(DType type, in WindowShape s, nint x, nint dy, nint dweight, nint workspace)
    {
        var count = Weights(s);
        if (count == 0)
            return;
        var (sizes, slices) = (WindowArguments.OfConvolution(s), SliceArguments.Of(s));
        var (splits, depth) = Cut(s);
        void** arguments = stackalloc void*[] { &sizes, &slices, &x, &dy, &workspace, &count, &splits, &depth };
        Stream.Launch(_weightGradient[(int)type], LaunchShape.ForCount(count * splits), arguments);
        void** summed = stackalloc void*[] { &workspace, &dweight, &count, &splits };
        Stream.Launch(_sum[(int)type], LaunchShape.ForCount(count), summed);
    }

    private static long Weights(in WindowShape s) => (long)s.OutChannels * s.Taps;

    // By the sizes alone: the cut changes bits.
    private static (int Splits, long Depth) Cut(in WindowShape s)
    {
        var wanted = Math.Clamp(WantedThreads / Math.Max(Weights(s), 1), 1, MostSplits);
        var pieces = Math.Clamp(s.OutPixels / LeastDepth, 1, wanted);
        return ((int)pieces, Math.Max((s.OutPixels + pieces - 1) / pieces, 1));
    }

    // The same bytes as Slices in conv_sliced.cu.
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct SliceArguments(int DilationHeight, int DilationWidth, int Inputs, int Outputs)
    {
        public static SliceArguments Of(in WindowShape s) => new(s.DilationHeight, s.DilationWidth, s.GroupInChannels, s.GroupOutChannels);
    }
}
