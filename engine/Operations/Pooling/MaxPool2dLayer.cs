using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>The largest value of windows of images [n, h, w, c]; padding never wins.</summary>
/// <param name="kernel">The window's side.</param>
/// <param name="stride">Pixels between windows; the window's side where 0.</param>
/// <param name="padding">Pixels around the image, at most half of the window.</param>
public sealed class MaxPool2d(int kernel, int stride = 0, int padding = 0) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.MaxPool2d(kernel, stride, padding);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.MaxPool2d(x, kernel, stride, padding);
}
