namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>x Wᵀ + b over the last axis: [.., in] to [.., out].</summary>
    /// <param name="x">Vectors, tokens or the pixels of images.</param>
    /// <param name="weight">[out, in], float32.</param>
    /// <param name="bias">[out], or null.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Linear(PlanValue x, Tensor weight, Tensor? bias = null)
    {
        Check(x, "Linear");
        if (weight.Shape.Rank != 2 || weight.Shape[1] != x.Channels)
            throw new ShapeException($"plan, Linear: got {x.Shape} and weight {weight.Shape}, wants [.., in] and [out, in]");
        return Add(new ConvNode(Name, x, ConvWeight.From(weight, bias, "Linear"), ConvNode.Pixelwise(x, weight.Shape[0])), x.Shape.With(x.Shape.Rank - 1, weight.Shape[0]));
    }

    /// <summary>x Wᵀ scale + b over the last axis, of a matrix that no tensor holds: erasures.</summary>
    /// <param name="x">[.., in].</param>
    /// <param name="weight">[out, in] row-major.</param>
    /// <param name="bias">[out], or empty.</param>
    /// <exception cref="ShapeException">The sizes do not fit.</exception>
    public PlanValue Linear(PlanValue x, ReadOnlySpan<double> weight, ReadOnlySpan<double> bias = default)
    {
        Check(x, "Linear");
        var outputs = weight.Length / x.Channels;
        if (outputs == 0 || outputs * x.Channels != weight.Length || (bias.Length != outputs && !bias.IsEmpty))
            throw new ShapeException($"plan, Linear: got {x.Shape}, {weight.Length} weights and {bias.Length} biases, wants [out, {x.Channels}] and [out]");
        return Add(new ConvNode(Name, x, ConvWeight.From(weight, bias, outputs, x.Channels), ConvNode.Pixelwise(x, outputs)), x.Shape.With(x.Shape.Rank - 1, outputs));
    }
}
