namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>Every so many-th pixel of images [h, w, c], with channels of zeros before and after.</summary>
    /// <param name="x">The images.</param>
    /// <param name="stride">Pixels from one to the next, both ways.</param>
    /// <param name="before">Channels of zeros before.</param>
    /// <param name="after">Channels of zeros after.</param>
    /// <exception cref="ShapeException">x is no image, or a number makes no sense.</exception>
    public PlanValue Subsample(PlanValue x, int stride, int before = 0, int after = 0)
    {
        Check(x, "Subsample");
        if (x.Shape.Rank != 3 || stride < 1 || before < 0 || after < 0 || (long)before + x.Channels + after > int.MaxValue)
            throw new ShapeException($"plan, Subsample: got {x.Shape}, stride {stride}, {before} channels before and {after} after; wants [h, w, c], a stride of 1 or more, 0 channels or more");
        return Add(
            new SubsampleNode(Name, x, stride, before),
            (Kernels.Cpu.Subsample.Extent(x.Height, stride), Kernels.Cpu.Subsample.Extent(x.Width, stride), before + x.Channels + after));
    }
}
