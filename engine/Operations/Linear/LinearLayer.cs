using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>x Wᵀ + b: [.., in] to [.., out].</summary>
public sealed class Linear : Module
{
    /// <summary>A layer with PyTorch's starting values.</summary>
    public Linear(int inputs, int outputs, RandomSource random, bool bias = true, Device? device = null)
    {
        Weight = AddParameter("weight", Initialise.KaimingUniform((outputs, inputs), inputs, random, device));
        if (bias)
            Bias = AddParameter("bias", Initialise.KaimingUniform(outputs, inputs, random, device));
    }

    /// <summary>[out, in].</summary>
    public Parameter Weight { get; }

    /// <summary>[out], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        LayerInputScope.Show(this, x);
        return x.Linear(Weight, Bias?.Value);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Linear(x, Weight, Bias?.Value);
}
