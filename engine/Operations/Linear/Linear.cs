using EscNative.Kernels;

namespace EscNative.Engine;

// y = x Wᵀ + b: dx = dy W, dW = dyᵀ x, db = the sum of the rows of dy.
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
        var y = Allocate(Shape.With(-1, weight.Shape[0]), "Linear");
        var rows = new Shape(RowCount(Shape), Shape[^1]);
        var (x, transposeX, _) = Shape.Rank == 2 ? AsMatrices() : (ContiguousData(), false, 0);
        var (w, transposeW, _) = weight.AsMatrices();
        Backend.MatMul(x, transposeX, 0, w, !transposeW, 0, y, 1, rows[0], weight.Shape[0], rows[1]);
        if (bias is not null)
            Backend.Binary(BinaryOp.Add, y, bias.Expand(y.Shape, "Linear"), y);
        if (bias is null ? Node.Wanted(this, weight) : Node.Wanted(this, weight, bias))
            y.SetNode(new LinearNode(this, weight, bias, rows, y.Shape));
        return scope.Keep(y);
    }

    // The extents before the last one, as one.
    private static int RowCount(Shape shape)
    {
        var rows = 1L;
        for (var i = 0; i < shape.Rank - 1; i++)
            rows *= shape[i];
        return rows <= int.MaxValue ? (int)rows : throw new ShapeException($"Linear: {shape} has {rows} rows, wants at most {int.MaxValue}");
    }

    private sealed class LinearNode : Node
    {
        private readonly Shape _x;
        private readonly Shape _rows;
        private readonly bool _hasBias;

        public LinearNode(Tensor x, Tensor weight, Tensor? bias, Shape rows, Shape y)
            : base(y, bias is null ? [x, weight] : [x, weight, bias])
        {
            (_x, _rows, _hasBias) = (x.Shape, rows, bias is not null);
            Save(Wants(1) ? x : null, Wants(0) ? weight : null);
        }

        public override void Backward(Tensor dy)
        {
            dy = dy.Reshape(_rows[0], Shape[^1]);
            if (Wants(0))
                Send(0, dy.MatMul(Saved(1)).Reshape(_x));
            if (Wants(1))
                Send(1, dy.Transpose().MatMul(Saved(0).Reshape(_rows)));
            if (_hasBias && Wants(2))
                Send(2, dy.Sum(0));
        }
    }
}
