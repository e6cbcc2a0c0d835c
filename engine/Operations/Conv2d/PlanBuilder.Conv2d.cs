namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>A convolution of images [h, w, in] to [oh, ow, out], the same both ways.</summary>
    /// <param name="x">The images.</param>
    /// <param name="weight">[out, kh, kw, in / groups], float32.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="dilation">Pixels between the values of a kernel.</param>
    /// <param name="groups">Slices of the channels, each a convolution by itself.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Conv2d(PlanValue x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1) =>
        Conv2d(x, weight, bias, Conv2dOptions.Of(stride, padding, dilation, groups));

    /// <summary>A convolution of images [h, w, in] to [oh, ow, out].</summary>
    /// <param name="x">The images.</param>
    /// <param name="weight">[out, kh, kw, in / groups], float32.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="options">Stride, padding, dilation and groups.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Conv2d(PlanValue x, Tensor weight, Tensor? bias, Conv2dOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(x, "Conv2d");
        if (x.Shape.Rank != 3)
            throw new ShapeException($"plan, Conv2d: got images {x.Shape} and weight {weight.Shape}, wants [h, w, in] and [out, kh, kw, in / groups]");
        var s = options.Of("plan, Conv2d", x.Shape, weight.Shape);
        return Add(new ConvNode(Name, x, ConvWeight.From(weight, bias, "Conv2d"), s), new Shape(s.OutHeight, s.OutWidth, s.OutChannels));
    }
}
