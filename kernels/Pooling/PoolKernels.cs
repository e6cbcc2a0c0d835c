using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Pooling of images x [n, h, w, c] on a GPU.</summary>
public sealed unsafe class PoolKernels : KernelFamily
{
    private readonly CudaFunction[] _average;
    private readonly CudaFunction[] _averageBackward;
    private readonly CudaFunction[] _adaptive;
    private readonly CudaFunction[] _adaptiveBackward;
    private readonly CudaFunction[] _max;
    private readonly CudaFunction[] _maxBackward;

    /// <summary>Loads the kernels.</summary>
    public PoolKernels(CudaContext context)
        : base(context, "pool")
    {
        _average = Typed("average_pool");
        _averageBackward = Typed("average_pool_backward");
        _adaptive = Typed("adaptive_pool");
        _adaptiveBackward = Typed("adaptive_pool_backward");
        _max = Typed("max_pool");
        _maxBackward = Typed("max_pool_backward");
    }

    /// <summary>y = the mean of each window; padding counts as zeros where <paramref name="countPadding"/>.</summary>
    /// <param name="x">[batch, h, w, c].</param>
    /// <param name="y">[batch, oh, ow, c].</param>
    public void Average(DType type, in WindowShape shape, bool countPadding, nint x, nint y)
    {
        var (count, flag, window) = (shape.OutPixels * shape.InChannels, countPadding ? 1 : 0, WindowArguments.Of(shape));
        if (count == 0)
            return;
        void** arguments = stackalloc void*[] { &x, &y, &count, &flag, &window };
        Stream.Launch(_average[(int)type], LaunchShape.ForCount(count), arguments);
    }

    /// <summary>dx of <see cref="Average"/>.</summary>
    public void AverageBackward(DType type, in WindowShape shape, bool countPadding, nint dy, nint dx)
    {
        var (count, flag, window) = ((long)shape.Batch * shape.Height * shape.Width * shape.InChannels, countPadding ? 1 : 0, WindowArguments.Of(shape));
        if (count == 0)
            return;
        void** arguments = stackalloc void*[] { &dy, &dx, &count, &flag, &window };
        Stream.Launch(_averageBackward[(int)type], LaunchShape.ForCount(count), arguments);
    }

    /// <summary>y = the mean of so many windows.</summary>
    /// <param name="x">[batch, h, w, c].</param>
    /// <param name="y">[batch, oh, ow, c].</param>
    public void AdaptiveAverage(DType type, in AdaptivePoolShape shape, nint x, nint y) =>
        Adaptive(_adaptive[(int)type], shape, (long)shape.Batch * shape.OutHeight * shape.OutWidth * shape.Channels, x, y);

    /// <summary>dx of <see cref="AdaptiveAverage"/>.</summary>
    public void AdaptiveAverageBackward(DType type, in AdaptivePoolShape shape, nint dy, nint dx) =>
        Adaptive(_adaptiveBackward[(int)type], shape, (long)shape.Batch * shape.Height * shape.Width * shape.Channels, dy, dx);

    /// <summary>y = the largest of each window, NaN if it holds one; index = row w + column of it, the first of equals.</summary>
    /// <param name="x">[batch, h, w, c].</param>
    /// <param name="y">[batch, oh, ow, c].</param>
    /// <param name="index">int32, [batch, oh, ow, c], or 0 where nobody wants it.</param>
    public void Max(DType type, in WindowShape shape, nint x, nint y, nint index)
    {
        var (count, window) = (shape.OutPixels * shape.InChannels, WindowArguments.Of(shape));
        if (count == 0)
            return;
        void** arguments = stackalloc void*[] { &x, &y, &index, &count, &window };
        Stream.Launch(_max[(int)type], LaunchShape.ForCount(count), arguments);
    }

    /// <summary>dx of <see cref="Max"/>.</summary>
    public void MaxBackward(DType type, in WindowShape shape, nint dy, nint index, nint dx)
    {
        var (count, window) = ((long)shape.Batch * shape.Height * shape.Width * shape.InChannels, WindowArguments.Of(shape));
        if (count == 0)
            return;
        void** arguments = stackalloc void*[] { &dy, &index, &dx, &count, &window };
        Stream.Launch(_maxBackward[(int)type], LaunchShape.ForCount(count), arguments);
    }

    private void Adaptive(CudaFunction function, in AdaptivePoolShape shape, long count, nint from, nint to)
    {
        if (count == 0)
            return;
        var (height, width, channels, outHeight, outWidth) = (shape.Height, shape.Width, shape.Channels, shape.OutHeight, shape.OutWidth);
        void** arguments = stackalloc void*[] { &from, &to, &count, &height, &width, &channels, &outHeight, &outWidth };
        Stream.Launch(function, LaunchShape.ForCount(count), arguments);
    }
}
