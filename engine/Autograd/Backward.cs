namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>The gradients of this scalar with respect to every leaf that it depends on.</summary>
    /// <param name="retainGraph">Whether the graph is kept for another pass; else it is used up, and its memory falls on the way.</param>
    /// <exception cref="ShapeException">This is not a scalar.</exception>
    /// <exception cref="EscException">Nothing requires a gradient, the graph was used before, or another thread's pass is in it and one of
    /// the two does not keep it.</exception>
    public Gradients Backward(bool retainGraph = false)
    {
        CheckLive();
        if (Count != 1)
            throw new ShapeException($"Backward: got {Shape}, wants one value; use Sum() or Mean(), or pass the gradient of the result");
        using var seed = Full(Shape, 1, DType, Device);
        return Backward(seed, retainGraph);
    }

    /// <summary>The gradients of sum(this * seed).</summary>
    /// <param name="seed">The gradient of the result, of this shape and type.</param>
    /// <param name="retainGraph">Whether the graph is kept for another pass; else it is used up, and its memory falls on the way.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="EscException">Nothing requires a gradient, the graph was used before, or another thread's pass is in it and one of
    /// the two does not keep it.</exception>
    public Gradients Backward(Tensor seed, bool retainGraph = false)
    {
        CheckLive();
        if (seed.Shape != Shape)
            throw new ShapeException($"Backward: got a gradient {seed.Shape} for {Shape}");
        CheckSame("Backward", this, seed);
        if (Node is not { } node)
        {
            throw new EscException(
                ErrorCode.Usage, $"Backward: {this} depends on no leaf; call RequireGradient() on one, outside NoGrad()");
        }

        return BackwardPass.Run(node, seed, retainGraph);
    }
}
