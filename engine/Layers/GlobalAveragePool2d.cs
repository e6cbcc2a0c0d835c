namespace EscNative.Engine.Layers;

/// <summary>The mean over all pixels: [n, h, w, c] to [n, c].</summary>
public sealed class GlobalAveragePool2d : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.GlobalAveragePool2d();
}
