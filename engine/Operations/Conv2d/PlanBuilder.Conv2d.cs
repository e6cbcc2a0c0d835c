namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>A convolution of images [h, w, in] to [oh, ow, out].</summary>
    /// <param name="x">The images.</param>
    /// <param name="weight">[out, kh, kw, in], float32.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Conv2d(PlanValue x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0)
    {
        Check(x, "Conv2d");
        var w = weight.Shape;
        if (x.Shape.Rank != 3 || w.Rank != 4 || w[3] != x.Channels || stride < 1 || padding < 0
            || !Fits(x, w[1], w[2], padding))
        {
            throw new ShapeException(
                $"plan, Conv2d: got images {x.Shape}, weight {w}, stride {stride}, padding {padding}; wants [h, w, in] and [out, kh, kw, in] that fits into the padded image");
        }

        var shape = new Shape(((x.Height + (2 * padding) - w[1]) / stride) + 1, ((x.Width + (2 * padding) - w[2]) / stride) + 1, w[0]);
        return Add(new ConvNode(Name, x, ConvWeight.From(weight, bias, "Conv2d"), stride, padding), shape);
    }
}
