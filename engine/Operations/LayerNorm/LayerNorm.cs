namespace EscNative.Engine;

// Per row, x̂ = (x - mean) rstd, y = gamma x̂ + beta; with g = gamma dy:
//   dx = rstd (g - mean(g) - x̂ mean(g x̂)),  dgamma = sum over rows of dy x̂,  dbeta = sum over rows of dy
public sealed partial class Tensor
{
    /// <summary>Normalises each row (the last dimension) to mean 0 and variance 1, then scales and shifts.</summary>
    /// <param name="gamma">Scale, [d].</param>
    /// <param name="beta">Shift, [d].</param>
    /// <param name="eps">Added to the variance.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor LayerNorm(Tensor gamma, Tensor beta, double eps = 1e-5)
    {
        using var scope = Scope();
        var x = AsRows(CheckNorm("LayerNorm", gamma, beta, eps));
        var y = AllocateLike("LayerNorm");
        // The means, then what their type cannot hold of them.
        var mean = Allocate((2, x.Shape[0]), "LayerNorm");
        var rstd = Allocate(x.Shape[0], "LayerNorm");
        var g = gamma.ContiguousData();
        if (Count > 0)
            Backend.LayerNorm(x, g, beta.ContiguousData(), eps, y, mean, rstd);
        if (Node.Wanted(this, gamma, beta))
            y.SetNode(new LayerNormNode(this, gamma, beta, x, g, mean, rstd));
        return scope.Keep(y);
    }

    private sealed class LayerNormNode : Node
    {
        public LayerNormNode(Tensor x, Tensor gamma, Tensor beta, Tensor rows, Tensor contiguousGamma, Tensor mean, Tensor rstd)
            : base(x.Shape, x, gamma, beta) => Save(rows, contiguousGamma, mean, rstd);

        public override void Backward(Tensor dy)
        {
            var (rows, gamma) = (Saved(0), Saved(1));
            dy = dy.ContiguousData();
            var dx = Overwrite(dy, "LayerNorm");
            var dGamma = gamma.AllocateLike("LayerNorm");
            var dBeta = gamma.AllocateLike("LayerNorm");
            if (dx.Count > 0)
            {
                dy.Backend.LayerNormBackward(
                    rows, dy.Reshape(rows.Shape), gamma, Saved(2), Saved(3), dx.Reshape(rows.Shape), dGamma, dBeta);
            }
            else
            {
                dy.Backend.Fill(dGamma, 0);
                dy.Backend.Fill(dBeta, 0);
            }

            Send(0, dx);
            Send(1, dGamma);
            Send(2, dBeta);
        }
    }
}
