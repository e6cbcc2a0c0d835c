namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>Layer normalisation over the last axis.</summary>
    /// <param name="x">[.., d].</param>
    /// <param name="weight">[d], float32.</param>
    /// <param name="bias">[d], float32.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue LayerNorm(PlanValue x, Tensor weight, Tensor bias, double eps)
    {
        Check(x, "LayerNorm");
        if (weight.Shape != x.Channels || bias.Shape != x.Channels)
            throw new ShapeException($"plan, LayerNorm: got {x.Shape}, weight {weight.Shape} and bias {bias.Shape}, wants [{x.Channels}] of both");
        return Add(new LayerNormNode(Name, x, weight.ToArray<float>(), bias.ToArray<float>(), eps), x.Shape);
    }
}
