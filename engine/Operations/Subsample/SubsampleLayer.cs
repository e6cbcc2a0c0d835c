using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>Every so many-th pixel of images [n, h, w, c], with channels of zeros before and after: a shortcut without weights.</summary>
/// <param name="stride">Pixels from one to the next, both ways.</param>
/// <param name="before">Channels of zeros before.</param>
/// <param name="after">Channels of zeros after.</param>
public sealed class Subsample(int stride, int before = 0, int after = 0) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Subsample(stride, before, after);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Subsample(x, stride, before, after);
}
