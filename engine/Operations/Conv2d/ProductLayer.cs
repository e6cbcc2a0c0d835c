namespace EscNative.Engine.Plans;

/// <summary>A step of a plan that is a matrix product: a convolution or a linear layer.</summary>
/// <param name="Pixels">Rows of the product that an image gives.</param>
/// <param name="Channels">Its columns.</param>
/// <param name="Depth">Products of a value.</param>
internal readonly record struct ProductLayer(long Pixels, int Channels, long Depth)
{
    /// <summary>Those of a plan. Convolutions with groups or dilations are none on a GPU: a thread takes one of their values.</summary>
    public static IReadOnlyList<ProductLayer> Of(PlanGraph graph) =>
    [
        .. graph.Nodes.OfType<ConvNode>().Where(node => node.Window.IsPlain).Select(node => new ProductLayer(
            (long)node.Output.Height * node.Output.Width, node.Output.Channels, node.Window.Taps)),
    ];
}
