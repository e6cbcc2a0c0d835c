using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>The mean over all pixels: [n, h, w, c] to [n, c].</summary>
public sealed class GlobalAveragePool2d : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        LayerInputScope.Show(this, x);
        return x.GlobalAveragePool2d();
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.GlobalAveragePool2d(x);
}
