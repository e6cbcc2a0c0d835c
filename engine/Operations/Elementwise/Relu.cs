using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>max(x, 0).</summary>
public sealed class Relu : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Relu();

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Unary(UnaryOp.Relu, x);
}
