using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>x Φ(x): exact, or by its approximation with tanh.</summary>
/// <param name="tanh">Whether x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 is computed, as networks that were trained with it want.</param>
public sealed class Gelu(bool tanh = false) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => tanh ? x.GeluTanh() : x.Gelu();

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Unary(tanh ? UnaryOp.GeluTanh : UnaryOp.Gelu, x);
}
