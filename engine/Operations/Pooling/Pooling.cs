using EscNative.Kernels;

namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>The mean of windows of images [n, h, w, c].</summary>
    /// <param name="kernel">The window's side.</param>
    /// <param name="stride">Pixels between windows; the window's side where 0.</param>
    /// <param name="padding">Pixels around the image.</param>
    /// <param name="countPadding">Whether padded pixels count as zeros (PyTorch's count_include_pad).</param>
    public Tensor AveragePool2d(int kernel, int stride = 0, int padding = 0, bool countPadding = true)
    {
        CheckFloat("AveragePool2d");
        var s = Window("AveragePool2d", kernel, stride, padding);
        using var scope = Scope();
        var y = Allocate((s.Batch, s.OutHeight, s.OutWidth, s.OutChannels), "AveragePool2d");
        Backend.AveragePool(s, countPadding, ContiguousData(), y);
        if (Node.Wanted(this))
            y.SetNode(new AveragePoolNode(s, countPadding, this, y.Shape));
        return scope.Keep(y);
    }

    /// <summary>The largest value of windows of images [n, h, w, c]; padding never wins.</summary>
    /// <inheritdoc cref="AveragePool2d" path="/param"/>
    public Tensor MaxPool2d(int kernel, int stride = 0, int padding = 0)
    {
        CheckFloat("MaxPool2d");
        var s = Window("MaxPool2d", kernel, stride, padding);
        using var scope = Scope();
        var y = Allocate((s.Batch, s.OutHeight, s.OutWidth, s.OutChannels), "MaxPool2d");
        var index = Allocate(Device, DType.I32, y.Shape, "MaxPool2d");
        Backend.MaxPool(s, ContiguousData(), y, index);
        if (Node.Wanted(this))
            y.SetNode(new MaxPoolNode(s, this, index, y.Shape));
        return scope.Keep(y);
    }

    /// <summary>The mean over all pixels: [n, h, w, c] to [n, c].</summary>
    public Tensor GlobalAveragePool2d()
    {
        if (Shape.Rank != 4)
            throw new ShapeException($"GlobalAveragePool2d: got {Shape}, wants [n, h, w, c]");
        return Mean([1, 2]);
    }

    private WindowShape Window(string operation, int kernel, int stride, int padding)
    {
        stride = stride == 0 ? kernel : stride;
        if (Shape.Rank != 4)
            throw new ShapeException($"{operation}: got input {Shape}, wants [n, h, w, c]");
        var s = Conv2dOptions.Of(stride, padding).Windows(operation, Shape, Shape[3], (kernel, kernel));
        return padding <= kernel / 2
            ? s
            : throw new ShapeException($"{operation}: padding {padding} is more than half of kernel {kernel}: a window would hold no pixel");
    }

    private sealed class AveragePoolNode(WindowShape s, bool countPadding, Tensor x, Shape y) : Node(y, x)
    {
        private readonly Shape _x = x.Shape;

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "AveragePool2d");
            dy.Backend.AveragePoolBackward(s, countPadding, dy.ContiguousData(), dx);
            Send(0, dx);
        }
    }

    private sealed class MaxPoolNode : Node
    {
        private readonly WindowShape _s;
        private readonly Shape _x;

        public MaxPoolNode(WindowShape s, Tensor x, Tensor index, Shape y)
            : base(y, x)
        {
            (_s, _x) = (s, x.Shape);
            Save(index);
        }

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "MaxPool2d");
            dy.Backend.MaxPoolBackward(_s, dy.ContiguousData(), Saved(0), dx);
            Send(0, dx);
        }
    }
}
