using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>Layer normalisation of [.., d].</summary>
public sealed class LayerNorm : Module
{
    /// <summary>A layer that starts without scale and shift.</summary>
    /// <exception cref="UsageException">eps makes no sense.</exception>
    public LayerNorm(int width, double eps = 1e-5, Device? device = null)
    {
        UsageException.RequireNonNegative("LayerNorm", "eps", eps);
        Eps = eps;
        Weight = AddParameter("weight", Tensor.Ones(width, device: device));
        Bias = AddParameter("bias", Tensor.Zeros(width, device: device));
    }

    /// <summary>Scale, [d].</summary>
    public Parameter Weight { get; }

    /// <summary>Shift, [d].</summary>
    public Parameter Bias { get; }

    /// <summary>Added to the variance.</summary>
    public double Eps { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.LayerNorm(Weight, Bias, Eps);

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.LayerNorm(x, Weight, Bias, Eps);
}
