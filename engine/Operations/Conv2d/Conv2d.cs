namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>The cross-correlation of images [n, h, w, c] with weights [o, kh, kw, c]: [n, oh, ow, o], oh = (h + 2 pad - kh) / stride + 1.</summary>
    /// <param name="weight">[o, kh, kw, c].</param>
    /// <param name="bias">[o], or null.</param>
    /// <param name="stride">Pixels between windows, both ways.</param>
    /// <param name="padding">Zeros around the image, both ways.</param>
    /// <param name="fast">Whether the device may use an algorithm that rounds more than a plain sum, where that is faster: 3x3
    /// kernels with strides of 1 and 2 then err by about 1e-6 of the largest value instead of 1e-7 (Winograd). Holds for the gradients too.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Conv2d(Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, bool fast = false) =>
        Conv2d(weight, bias, (stride, stride), (padding, padding), fast);

    /// <inheritdoc cref="Conv2d(Tensor, Tensor?, int, int, bool)"/>
    public Tensor Conv2d(
        Tensor weight, Tensor? bias, (int Height, int Width) stride, (int Height, int Width) padding, bool fast = false)
    {
        CheckSame("Conv2d", this, weight);
        CheckSame("Conv2d", this, bias ?? weight);
        CheckFloat("Conv2d");
        if (weight.Shape.Rank != 4 || Shape.Rank != 4 || weight.Shape[3] != Shape[3])
            throw new ShapeException($"Conv2d: got input {Shape} and weight {weight.Shape}, wants [n, h, w, c] and [o, kh, kw, c]");
        if (bias is not null && bias.Shape != new Shape(weight.Shape[0]))
            throw new ShapeException($"Conv2d: got bias {bias.Shape} for weight {weight.Shape}, wants [{weight.Shape[0]}]");
        var g = ConvGeometry.Of("Conv2d", this, weight.Shape[0], (weight.Shape[1], weight.Shape[2]), stride, padding) with { Fast = fast };
        using var scope = Scope();
        var (x, w) = (ContiguousData(), weight.ContiguousData());
        var y = Allocate((g.Batch, g.OutHeight, g.OutWidth, g.OutChannels), "Conv2d");
        Backend.Conv2d(g, x, w, bias?.ContiguousData(), y);
        if (bias is null ? Node.Wanted(this, weight) : Node.Wanted(this, weight, bias))
            y.SetNode(new ConvNode(g, this, weight, bias, x, w, y.Shape));
        return scope.Keep(y);
    }

    private sealed class ConvNode : Node
    {
        private readonly ConvGeometry _g;
        private readonly Shape _x;
        private readonly Shape _weight;
        private readonly bool _hasBias;

        public ConvNode(ConvGeometry g, Tensor x, Tensor weight, Tensor? bias, Tensor denseX, Tensor contiguousWeight, Shape y)
            : base(y, bias is null ? [x, weight] : [x, weight, bias])
        {
            (_g, _x, _weight, _hasBias) = (g, x.Shape, weight.Shape, bias is not null);
            Save(Wants(1) ? denseX : null, Wants(0) ? contiguousWeight : null);
        }

        public override void Backward(Tensor dy)
        {
            dy = dy.ContiguousData();
            if (Wants(0))
            {
                var dx = dy.Allocate(_x, "Conv2d");
                dy.Backend.Conv2dDataGradient(_g, dy, Saved(1), dx);
                Send(0, dx);
            }

            if (Wants(1))
            {
                var dw = dy.Allocate(_weight, "Conv2d");
                dy.Backend.Conv2dWeightGradient(_g, Saved(0), dy, dw);
                Send(1, dw);
            }

            if (_hasBias && Wants(2))
                Send(2, dy.Sum([0, 1, 2]));
        }
    }
}
