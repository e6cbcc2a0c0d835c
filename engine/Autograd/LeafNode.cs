namespace EscNative.Engine;

/// <summary>The end of the graph: a tensor whose gradient the caller asks for.</summary>
internal sealed class LeafNode(Shape shape) : Node(shape)
{
    public override void Backward(Tensor dy) => throw new InvalidOperationException("a leaf has no operands");
}
