using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Batches of normalised images from stored bytes, and the pointwise step of a plan, on a GPU.</summary>
public sealed unsafe class ImageKernels : KernelFamily
{
    private const int PerThread = 4;

    // float32 and bfloat16.
    private readonly CudaFunction[] _images;
    private readonly CudaFunction[] _resized;
    private readonly CudaFunction[] _pointwise;

    /// <summary>Loads the kernels.</summary>
    public ImageKernels(CudaContext context)
        : base(context, "images")
    {
        _images = [Function("images_f32"), Function("images_bf16")];
        _resized = [Function("images_resized_f32"), Function("images_resized_bf16")];
        _pointwise = [Function("pointwise_f32"), Function("pointwise_bf16")];
    }

    /// <summary>y[b] = stored image by index, cropped, mirrored, resized to the result's size (bilinear, half-pixel centres), and each
    /// byte looked up in the table of its channel. An index out of range is reported when the host next waits.</summary>
    /// <param name="type">float32 or bfloat16.</param>
    /// <param name="x">uint8, [images, h, w, c].</param>
    /// <param name="table">float32, [c, 256].</param>
    /// <param name="changes">[batch] of <see cref="ImageChange"/>, or 0: image b as it is.</param>
    /// <param name="y">[batch, oh, ow, c].</param>
    public void Load(DType type, nint x, nint table, nint changes, nint y, long batch, in ImageBatch shape)
    {
        var count = batch * shape.OutHeight * shape.OutWidth * shape.Channels;
        if (count == 0)
            return;
        var faults = Context.NextFault();
        var functions = (shape.OutHeight, shape.OutWidth) == (shape.Height, shape.Width) ? _images : _resized;
        fixed (ImageBatch* s = &shape)
        {
            void** arguments = stackalloc void*[] { &x, &table, &changes, &y, &batch, s, &faults };
            Stream.Launch(functions[(int)type], LaunchShape.ForCount(count, PerThread), arguments);
        }
    }

    /// <summary>y = f(x scale + shift + residual), [n] with the channels fastest.</summary>
    /// <param name="type">float32 or bfloat16.</param>
    /// <param name="scale">float32, [channels], or 0 for none; then there is no shift either.</param>
    /// <param name="residual">[n], or 0 for none.</param>
    /// <param name="y">[n]; may be an operand.</param>
    public void Pointwise(DType type, nint x, nint scale, nint shift, nint residual, bool relu, nint y, long n, int channels)
    {
        if (n == 0)
            return;
        var flag = relu ? 1 : 0;
        void** arguments = stackalloc void*[] { &x, &scale, &shift, &residual, &flag, &y, &n, &channels };
        Stream.Launch(_pointwise[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }
}
