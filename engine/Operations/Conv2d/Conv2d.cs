using EscNative.Kernels;

namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>The cross-correlation of images [n, h, w, c] with weights [o, kh, kw, c / groups]: [n, oh, ow, o],
    /// oh = (h + 2 pad - dilation (kh - 1) - 1) / stride + 1.</summary>
    /// <param name="weight">[o, kh, kw, c / groups].</param>
    /// <param name="bias">[o], or null.</param>
    /// <param name="stride">Pixels between windows, both ways.</param>
    /// <param name="padding">Zeros around the image, both ways.</param>
    /// <param name="fast">Whether the device may use an algorithm that rounds more than a plain sum, where that is faster: 3x3
    /// kernels with strides of 1 and 2 then err by about 1e-6 of the largest value instead of 1e-7 (Winograd). Holds for the gradients too.</param>
    /// <param name="dilation">Pixels between the values of a kernel, both ways.</param>
    /// <param name="groups">Slices of the channels, each a convolution by itself; with one channel in each it is depthwise.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Conv2d(Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, bool fast = false, int dilation = 1, int groups = 1) =>
        Conv2d(weight, bias, Conv2dOptions.Of(stride, padding, dilation, groups), fast);

    /// <inheritdoc cref="Conv2d(Tensor, Tensor?, int, int, bool, int, int)"/>
    public Tensor Conv2d(
        Tensor weight, Tensor? bias, (int Height, int Width) stride, (int Height, int Width) padding, bool fast = false,
        (int Height, int Width)? dilation = null, int groups = 1) =>
        Conv2d(weight, bias, Conv2dOptions.Of(stride, padding, dilation ?? (1, 1), groups), fast);

    /// <inheritdoc cref="Conv2d(Tensor, Tensor?, int, int, bool, int, int)"/>
    /// <param name="options">Stride, padding, dilation and groups; the padding may differ on every side.</param>
    public Tensor Conv2d(Tensor weight, Tensor? bias, Conv2dOptions options, bool fast = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckSame("Conv2d", this, weight);
        CheckSame("Conv2d", this, bias ?? weight);
        CheckFloat("Conv2d");
        if (Shape.Rank != 4)
            throw new ShapeException($"Conv2d: got input {Shape} and weight {weight.Shape}, wants [n, h, w, c] and [o, kh, kw, c / groups]");
        var s = options.Of("Conv2d", Shape, weight.Shape);
        if (bias is not null && bias.Shape != new Shape(weight.Shape[0]))
            throw new ShapeException($"Conv2d: got bias {bias.Shape} for weight {weight.Shape}, wants [{weight.Shape[0]}]");
        using var scope = Scope();
        var (x, w) = (ContiguousData(), weight.ContiguousData());
        var y = Allocate((s.Batch, s.OutHeight, s.OutWidth, s.OutChannels), "Conv2d");
        Backend.Conv2d(s, fast, x, w, bias?.ContiguousData(), y);
        if (bias is null ? Node.Wanted(this, weight) : Node.Wanted(this, weight, bias))
            y.SetNode(new ConvNode(s, fast, this, weight, bias, x, w, y.Shape));
        return scope.Keep(y);
    }

    private sealed class ConvNode : Node
    {
        private readonly WindowShape _s;
        private readonly bool _fast;
        private readonly Shape _x;
        private readonly Shape _weight;
        private readonly bool _hasBias;

        public ConvNode(WindowShape s, bool fast, Tensor x, Tensor weight, Tensor? bias, Tensor denseX, Tensor contiguousWeight, Shape y)
            : base(y, bias is null ? [x, weight] : [x, weight, bias])
        {
            (_s, _fast, _x, _weight, _hasBias) = (s, fast, x.Shape, weight.Shape, bias is not null);
            Save(Wants(1) ? denseX : null, Wants(0) ? contiguousWeight : null);
        }

        public override void Backward(Tensor dy)
        {
            dy = dy.ContiguousData();
            if (Wants(0))
            {
                var dx = dy.Allocate(_x, "Conv2d");
                dy.Backend.Conv2dDataGradient(_s, _fast, dy, Saved(1), dx);
                Send(0, dx);
            }

            if (Wants(1))
            {
                var dw = dy.Allocate(_weight, "Conv2d");
                dy.Backend.Conv2dWeightGradient(_s, Saved(0), dy, dw);
                Send(1, dw);
            }

            if (_hasBias && Wants(2))
                Send(2, dy.Sum([0, 1, 2]));
        }
    }
}
