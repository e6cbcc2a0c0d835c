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
        var g = Window("AveragePool2d", kernel, stride, padding);
        using var scope = Scope();
        var y = Allocate((g.Batch, g.OutHeight, g.OutWidth, g.OutChannels), "AveragePool2d");
        Backend.AveragePool(g, countPadding, ContiguousData(), y);
        if (Node.Wanted(this))
            y.SetNode(new AveragePoolNode(g, countPadding, this, y.Shape));
        return scope.Keep(y);
    }

    /// <summary>The largest value of windows of images [n, h, w, c]; padding never wins.</summary>
    /// <inheritdoc cref="AveragePool2d" path="/param"/>
    public Tensor MaxPool2d(int kernel, int stride = 0, int padding = 0)
    {
        CheckFloat("MaxPool2d");
        var g = Window("MaxPool2d", kernel, stride, padding);
        using var scope = Scope();
        var y = Allocate((g.Batch, g.OutHeight, g.OutWidth, g.OutChannels), "MaxPool2d");
        var index = Allocate(Device, DType.I32, y.Shape, "MaxPool2d");
        Backend.MaxPool(g, ContiguousData(), y, index);
        if (Node.Wanted(this))
            y.SetNode(new MaxPoolNode(g, this, index, y.Shape));
        return scope.Keep(y);
    }

    /// <summary>The mean over all pixels: [n, h, w, c] to [n, c].</summary>
    public Tensor GlobalAveragePool2d()
    {
        if (Shape.Rank != 4)
            throw new ShapeException($"GlobalAveragePool2d: got {Shape}, wants [n, h, w, c]");
        return Mean([1, 2]);
    }

    private ConvGeometry Window(string operation, int kernel, int stride, int padding)
    {
        stride = stride == 0 ? kernel : stride;
        var channels = Shape.Rank == 4 ? Shape[3] : 0;
        var g = ConvGeometry.Of(operation, this, channels, (kernel, kernel), (stride, stride), (padding, padding));
        return padding <= kernel / 2
            ? g
            : throw new ShapeException($"{operation}: padding {padding} is more than half of kernel {kernel}: a window would hold no pixel");
    }

    private sealed class AveragePoolNode(ConvGeometry g, bool countPadding, Tensor x, Shape y) : Node(y, x)
    {
        private readonly Shape _x = x.Shape;

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "AveragePool2d");
            dy.Backend.AveragePoolBackward(g, countPadding, dy.ContiguousData(), dx);
            Send(0, dx);
        }
    }

    private sealed class MaxPoolNode : Node
    {
        private readonly ConvGeometry _g;
        private readonly Shape _x;

        public MaxPoolNode(ConvGeometry g, Tensor x, Tensor index, Shape y)
            : base(y, x)
        {
            (_g, _x) = (g, x.Shape);
            Save(index);
        }

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "MaxPool2d");
            dy.Backend.MaxPoolBackward(_g, dy.ContiguousData(), Saved(0), dx);
            Send(0, dx);
        }
    }
}
