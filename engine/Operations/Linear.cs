namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>x Wᵀ + b.</summary>
    /// <param name="weight">[out, in], PyTorch's layout.</param>
    /// <param name="bias">[out], or null.</param>
    /// <returns>[.., out] for this [.., in].</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Linear(Tensor weight, Tensor? bias = null)
    {
        CheckSame("Linear", this, weight);
        CheckSame("Linear", this, bias ?? weight);
        if (weight.Shape.Rank != 2 || Shape.Rank < 1 || Shape[^1] != weight.Shape[1])
            throw new ShapeException($"Linear: got {Shape} and weight {weight.Shape}, wants [.., in] and [out, in]");
        if (bias is not null && bias.Shape != new Shape(weight.Shape[0]))
            throw new ShapeException($"Linear: got bias {bias.Shape} for weight {weight.Shape}, wants [{weight.Shape[0]}]");
        using var scope = Scope();
        var rows = Shape[^1] == 0 ? Reshape((int)Shape.With(-1, 1).Count, 0) : Reshape(-1, Shape[^1]);
        var y = rows.MatMul(weight.Transpose());
        if (bias is not null)
            y += bias;
        return scope.Keep(y.Reshape(Shape.With(-1, weight.Shape[0])));
    }
}
