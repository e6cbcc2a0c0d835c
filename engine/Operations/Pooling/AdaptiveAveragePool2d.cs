using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>The mean of so many windows of images: [n, h, w, c] to [n, height, width, c], see <see cref="Tensor.AdaptiveAveragePool2d"/>.</summary>
/// <param name="height">Windows from top to bottom, or null for the rows of the images.</param>
/// <param name="width">Windows from left to right, or null for the columns of the images.</param>
public sealed class AdaptiveAveragePool2d(int? height, int? width) : Module
{
    /// <summary>As many windows each way.</summary>
    public AdaptiveAveragePool2d(int size)
        : this(size, size)
    {
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        // The mean of everything is what methods look at, whatever it is called.
        if ((height, width) == (1, 1))
            LayerInputScope.Show(this, x);
        return x.Shape.Rank == 4
            ? x.AdaptiveAveragePool2d(height ?? x.Shape[1], width ?? x.Shape[2])
            : throw new ShapeException($"AdaptiveAveragePool2d: got {x.Shape}, wants [n, h, w, c]");
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(x);
        return x.Shape.Rank == 3
            ? plan.AdaptiveAveragePool2d(x, height ?? x.Height, width ?? x.Width)
            : throw new ShapeException($"plan, AdaptiveAveragePool2d: got {x.Shape}, wants [h, w, c]");
    }
}
