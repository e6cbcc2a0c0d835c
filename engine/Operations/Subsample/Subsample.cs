namespace EscNative.Engine;

// y[n, i, j, before + c] = x[n, i stride, j stride, c], the other channels 0. dx has dy's channels at those pixels, 0 elsewhere.
public sealed partial class Tensor
{
    /// <summary>Every so many-th pixel of images [n, h, w, c], with channels of zeros before and after: [n, ⌈h / stride⌉, ⌈w / stride⌉, before + c + after].</summary>
    /// <param name="stride">Pixels from one to the next, both ways.</param>
    /// <param name="before">Channels of zeros before.</param>
    /// <param name="after">Channels of zeros after.</param>
    /// <exception cref="ShapeException">This is no image, or a number makes no sense.</exception>
    public Tensor Subsample(int stride, int before = 0, int after = 0)
    {
        CheckLive();
        if (Shape.Rank != 4 || stride < 1 || before < 0 || after < 0 || (long)before + Shape[3] + after > int.MaxValue)
            throw new ShapeException($"Subsample: got {Shape}, stride {stride}, {before} channels before and {after} after; wants [n, h, w, c], a stride of 1 or more, 0 channels or more");
        using var scope = Scope();
        var x = Detach().Pixels(stride);
        var y = Allocate(x.Shape.With(3, before + Shape[3] + after), "Subsample");
        if (before + after > 0)
            Backend.Fill(y, 0);
        Backend.Copy(x, y.Slice(3, before, before + Shape[3]));
        if (Node.Wanted(this))
            y.SetNode(new SubsampleNode(this, y.Shape, stride, before));
        return scope.Keep(y);
    }

    private Tensor Pixels(int stride) => Slice(1, 0, Shape[1], stride).Slice(2, 0, Shape[2], stride);

    private sealed class SubsampleNode(Tensor x, Shape y, int stride, int before) : Node(y, x)
    {
        private readonly Shape _x = x.Shape;

        public override void Backward(Tensor dy)
        {
            var dx = dy.Allocate(_x, "Subsample");
            if (stride > 1)
                dy.Backend.Fill(dx, 0);
            dy.Backend.Copy(dy.Slice(3, before, before + _x[3]), dx.Pixels(stride));
            Send(0, dx);
        }
    }
}
