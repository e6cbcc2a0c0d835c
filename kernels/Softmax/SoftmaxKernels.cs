using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Softmax and cross-entropy over rows on a GPU.</summary>
public sealed unsafe class SoftmaxKernels : KernelFamily
{
    private readonly CudaFunction[] _softmax;
    private readonly CudaFunction[] _softmaxBackward;
    private readonly CudaFunction[] _crossEntropy;
    private readonly CudaFunction[] _crossEntropyBackward;

    /// <summary>Loads the kernels.</summary>
    public SoftmaxKernels(CudaContext context)
        : base(context, "softmax")
    {
        _softmax = Typed("softmax");
        _softmaxBackward = Typed("softmax_backward");
        _crossEntropy = Typed("cross_entropy");
        _crossEntropyBackward = Typed("cross_entropy_backward");
    }

    /// <summary>Softmax, or its logarithm, of each row.</summary>
    /// <param name="x">[rows, d].</param>
    /// <param name="y">[rows, d]; may be <paramref name="x"/>.</param>
    public void Forward(DType type, nint x, nint y, long rows, long d, bool log)
    {
        if (rows * d == 0)
            return;
        var (flag, threads) = (log ? 1 : 0, RowGroups.Threads(d));
        void** arguments = stackalloc void*[] { &x, &y, &rows, &d, &flag, &threads };
        Stream.Launch(_softmax[(int)type], RowGroups.Shape(rows, threads), arguments);
    }

    /// <summary>dx from the result y and dy, all [rows, d].</summary>
    public void Backward(DType type, nint y, nint dy, nint dx, long rows, long d, bool log)
    {
        if (rows * d == 0)
            return;
        var (flag, threads) = (log ? 1 : 0, RowGroups.Threads(d));
        void** arguments = stackalloc void*[] { &y, &dy, &dx, &rows, &d, &flag, &threads };
        Stream.Launch(_softmaxBackward[(int)type], RowGroups.Shape(rows, threads), arguments);
    }

    /// <summary>losses[r] = -log softmax(x[r])[labels[r]]; a label out of range is reported when the host next waits.</summary>
    /// <param name="x">[rows, d].</param>
    /// <param name="labels">int32, [rows].</param>
    /// <param name="losses">[rows].</param>
    public void CrossEntropy(DType type, nint x, nint labels, nint losses, long rows, long d)
    {
        if (rows == 0)
            return;
        var (threads, faults) = (RowGroups.Threads(d), Context.NextFault());
        void** arguments = stackalloc void*[] { &x, &labels, &losses, &rows, &d, &faults, &threads };
        Stream.Launch(_crossEntropy[(int)type], RowGroups.Shape(rows, threads), arguments);
    }

    /// <summary>dx[r] = dy[r] (softmax(x[r]) - onehot(labels[r])).</summary>
    /// <param name="x">[rows, d].</param>
    /// <param name="labels">int32, [rows].</param>
    /// <param name="dy">[rows].</param>
    /// <param name="dx">[rows, d].</param>
    public void CrossEntropyBackward(DType type, nint x, nint labels, nint dy, nint dx, long rows, long d)
    {
        if (rows * d == 0)
            return;
        var threads = RowGroups.Threads(d);
        void** arguments = stackalloc void*[] { &x, &labels, &dy, &dx, &rows, &d, &threads };
        Stream.Launch(_crossEntropyBackward[(int)type], RowGroups.Shape(rows, threads), arguments);
    }
}
