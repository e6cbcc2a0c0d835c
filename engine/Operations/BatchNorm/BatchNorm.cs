namespace EscNative.Engine;

// Over the rows of x [rows, c], x̂ = (x - mean) / √(var + eps), y = gamma x̂ + beta.
//   dgamma = sum(dy x̂), dbeta = sum(dy)
//   constants:      dx = dy gamma / √(var + eps)
//   own statistics: dx = gamma / √(var + eps) (dy - mean(dy) - x̂ mean(dy x̂))
// With ReLU on top dy stands for what ReLU lets through, which the way back finds from x again: y need not be kept.
public sealed partial class Tensor
{
    /// <summary>Normalises each channel (the last dimension) with the batch's own mean and biased variance.</summary>
    /// <param name="gamma">Scale, [c].</param>
    /// <param name="beta">Shift, [c].</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="relu">Whether the result is the larger of that and 0, in the same pass.</param>
    /// <returns>The result, and the batch's mean and biased variance [c], outside the graph.</returns>
    /// <exception cref="ShapeException">The shapes do not fit, or there are no values.</exception>
    public (Tensor Y, Tensor Mean, Tensor Variance) BatchNorm(Tensor gamma, Tensor beta, double eps, bool relu = false)
    {
        using var scope = Scope();
        var x = AsRows(CheckNorm("BatchNorm", gamma, beta, eps));
        if (Count == 0)
            throw new ShapeException($"BatchNorm: got {Shape}: no values have no mean; wants one or more of each channel");
        // The means, then what their type cannot hold of them; the variances, then their roots, for those that the type cannot hold.
        var means = Allocate((2, Shape[^1]), "BatchNorm");
        var variances = Allocate((2, Shape[^1]), "BatchNorm");
        Backend.BatchStatistics(x, means, variances);
        var y = BatchNorm(x, means, variances, gamma, beta, eps, relu, ownStatistics: true);
        var (mean, variance) = (means.Slice(0, 0, 1).Reshape(Shape[^1]), variances.Slice(0, 0, 1).Reshape(Shape[^1]));
        return (scope.Keep(y), scope.Keep(mean), scope.Keep(variance));
    }

    /// <summary>Normalises each channel (the last dimension) with the given mean and variance.</summary>
    /// <inheritdoc cref="BatchNorm(Tensor, Tensor, double, bool)" path="/param"/>
    /// <param name="mean">[c].</param>
    /// <param name="variance">[c].</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <remarks>No values are normalised to no values.</remarks>
    public Tensor BatchNorm(Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu = false)
    {
        CheckSame("BatchNorm", this, mean);
        CheckSame("BatchNorm", this, variance);
        using var scope = Scope();
        var x = AsRows(CheckNorm("BatchNorm", gamma, beta, eps));
        if (mean.Shape != gamma.Shape || variance.Shape != gamma.Shape)
            throw new ShapeException($"BatchNorm: got mean {mean.Shape} and variance {variance.Shape} for {Shape}, wants {gamma.Shape}");
        return scope.Keep(BatchNorm(x, mean.ContiguousData(), variance.ContiguousData(), gamma, beta, eps, relu, ownStatistics: false));
    }

    private Tensor BatchNorm(
        Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, bool ownStatistics)
    {
        var y = AllocateLike("BatchNorm");
        var (scale, shift) = (gamma.ContiguousData(), beta.ContiguousData());
        Backend.BatchNormalise(x, mean, variance, scale, shift, eps, relu, y);
        if (Node.Wanted(this, gamma, beta))
            y.SetNode(new BatchNormNode(this, gamma, beta, [x, mean, variance, scale, shift], eps, relu, ownStatistics));
        return y;
    }

    /// <summary>The dense values outside the graph, once the shapes are known to fit.</summary>
    private Tensor CheckNorm(string operation, Tensor gamma, Tensor beta, double eps)
    {
        UsageException.RequireNonNegative(operation, "eps", eps);
        CheckFloat(operation);
        CheckSame(operation, this, gamma);
        CheckSame(operation, this, beta);
        if (Shape.Rank < 2 || gamma.Shape != new Shape(Shape[^1]) || beta.Shape != gamma.Shape)
            throw new ShapeException($"{operation}: got {Shape} with scale {gamma.Shape} and shift {beta.Shape}, wants values [.., c] and [c] twice");
        return IsContiguous ? Detach() : CopyContiguous(scoped: true);
    }

    // [rows, c], also where there are no rows.
    private Tensor AsRows(Tensor x)
    {
        var channels = Shape[^1];
        return x.Reshape((int)(channels == 0 ? 0 : x.Count / channels), channels);
    }

    private sealed class BatchNormNode : Node
    {
        private readonly double _eps;
        private readonly bool _relu;
        private readonly bool _ownStatistics;

        public BatchNormNode(
            Tensor x, Tensor gamma, Tensor beta, ReadOnlySpan<Tensor> saved, double eps, bool relu, bool ownStatistics)
            : base(x.Shape, x, gamma, beta)
        {
            (_eps, _relu, _ownStatistics) = (eps, relu, ownStatistics);
            Save(saved);
        }

        public override void Backward(Tensor dy)
        {
            var (rows, mean, variance, gamma, beta) = (Saved(0), Saved(1), Saved(2), Saved(3), Saved(4));
            dy = dy.ContiguousData();
            var dx = Overwrite(dy, "BatchNorm");
            var dGamma = gamma.AllocateLike("BatchNorm");
            var dBeta = gamma.AllocateLike("BatchNorm");
            dy.Backend.BatchNormBackward(
                rows, dy.Reshape(rows.Shape), mean, variance, gamma, beta, _eps, _relu, _ownStatistics, dx.Reshape(rows.Shape), dGamma, dBeta);
            Send(0, dx);
            Send(1, dGamma);
            Send(2, dBeta);
        }
    }
}
