using EscNative.Kernels;

namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>The mean of height x width windows of images: [n, h, w, c] to [n, height, width, c], by PyTorch's rule. Window i of n over m
    /// pixels holds the pixels ⌊i m / n⌋ .. ⌈(i + 1) m / n⌉ - 1: they overlap where n does not divide m, and there may be more windows than pixels.</summary>
    /// <param name="height">Windows from top to bottom.</param>
    /// <param name="width">Windows from left to right.</param>
    /// <exception cref="ShapeException">This is no image, has no pixel, or a size is below 1.</exception>
    public Tensor AdaptiveAveragePool2d(int height, int width)
    {
        CheckFloat("AdaptiveAveragePool2d");
        if (Shape.Rank != 4 || height < 1 || width < 1 || Shape[1] < 1 || Shape[2] < 1)
            throw new ShapeException($"AdaptiveAveragePool2d: got {Shape} and {height} x {width} windows; wants images [n, h, w, c] of at least one pixel, and at least one window each way");
        using var scope = Scope();
        // All pixels in one window: the mean that GlobalAveragePool2d gives, to the bit.
        if ((height, width) == (1, 1))
            return scope.Keep(GlobalAveragePool2d().Reshape((Shape[0], 1, 1, Shape[3])));
        var s = new AdaptivePoolShape(Shape[0], Shape[1], Shape[2], Shape[3], height, width);
        var y = Allocate((s.Batch, height, width, s.Channels), "AdaptiveAveragePool2d");
        Backend.AdaptiveAveragePool(s, ContiguousData(), y);
        if (Node.Wanted(this))
            y.SetNode(new AdaptiveAveragePoolNode(s, this, y.Shape));
        return scope.Keep(y);
    }

    // dx of a pixel is the sum over the windows that hold it of dy / (pixels of the window).
    private sealed class AdaptiveAveragePoolNode(AdaptivePoolShape s, Tensor x, Shape y) : Node(y, x)
    {
        private readonly Shape _x = x.Shape;

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "AdaptiveAveragePool2d");
            dy.Backend.AdaptiveAveragePoolBackward(s, dy.ContiguousData(), dx);
            Send(0, dx);
        }
    }
}
