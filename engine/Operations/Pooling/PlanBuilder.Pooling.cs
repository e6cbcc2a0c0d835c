namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>The largest value of windows of images [h, w, c]; padding never wins.</summary>
    /// <param name="x">The images.</param>
    /// <param name="kernel">The window's side.</param>
    /// <param name="stride">Pixels between windows; the window's side where 0.</param>
    /// <param name="padding">Pixels around the image, at most half of the window.</param>
    /// <exception cref="ShapeException">The window does not fit.</exception>
    public PlanValue MaxPool2d(PlanValue x, int kernel, int stride = 0, int padding = 0) =>
        Pool("MaxPool2d", PoolKind.Max, x, kernel, stride, padding, countPadding: false);

    /// <summary>The mean of windows of images [h, w, c].</summary>
    /// <param name="x">The images.</param>
    /// <param name="kernel">The window's side.</param>
    /// <param name="stride">Pixels between windows; the window's side where 0.</param>
    /// <param name="padding">Pixels around the image, at most half of the window.</param>
    /// <param name="countPadding">Whether padded pixels count as zeros.</param>
    /// <exception cref="ShapeException">The window does not fit.</exception>
    public PlanValue AveragePool2d(PlanValue x, int kernel, int stride = 0, int padding = 0, bool countPadding = true) =>
        Pool("AveragePool2d", PoolKind.Average, x, kernel, stride, padding, countPadding);

    /// <summary>The mean over all pixels: [h, w, c] to [c].</summary>
    /// <exception cref="ShapeException">x is not an image.</exception>
    public PlanValue GlobalAveragePool2d(PlanValue x)
    {
        Check(x, "GlobalAveragePool2d");
        if (x.Shape.Rank != 3)
            throw new ShapeException($"plan, GlobalAveragePool2d: got {x.Shape}, wants [h, w, c]");
        return Add(new PoolNode(Name, x, PoolKind.Average, (x.Height, x.Width), 1, 0, countPadding: true), x.Channels);
    }

    /// <summary>The mean of height x width windows of images [h, w, c]: see <see cref="Tensor.AdaptiveAveragePool2d"/>.</summary>
    /// <param name="x">The images.</param>
    /// <param name="height">Windows from top to bottom.</param>
    /// <param name="width">Windows from left to right.</param>
    /// <exception cref="ShapeException">x is no image, or a size is below 1.</exception>
    public PlanValue AdaptiveAveragePool2d(PlanValue x, int height, int width)
    {
        Check(x, "AdaptiveAveragePool2d");
        if (x.Shape.Rank != 3 || height < 1 || width < 1 || x.Height < 1 || x.Width < 1)
            throw new ShapeException($"plan, AdaptiveAveragePool2d: got {x.Shape} and {height} x {width} windows; wants [h, w, c] of at least one pixel, and at least one window each way");
        // All pixels in one window: the step that GlobalAveragePool2d is.
        PlanNode node = (height, width) == (1, 1)
            ? new PoolNode(Name, x, PoolKind.Average, (x.Height, x.Width), 1, 0, countPadding: true)
            : new AdaptivePoolNode(Name, x, height, width);
        return Add(node, (height, width, x.Channels));
    }

    private PlanValue Pool(string operation, PoolKind kind, PlanValue x, int kernel, int stride, int padding, bool countPadding)
    {
        Check(x, operation);
        stride = stride == 0 ? kernel : stride;
        if (x.Shape.Rank != 3 || kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2 || !Fits(x, kernel, kernel, padding))
            throw new ShapeException($"plan, {operation}: got {x.Shape}, kernel {kernel}, stride {stride}, padding {padding}; wants [h, w, c] and a window that fits into the padded image, padding at most half of it");
        var (h, w) = (x.Height + (2 * padding), x.Width + (2 * padding));
        return Add(
            new PoolNode(Name, x, kind, (kernel, kernel), stride, padding, countPadding), (((h - kernel) / stride) + 1, ((w - kernel) / stride) + 1, x.Channels));
    }
}
