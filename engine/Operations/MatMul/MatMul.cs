namespace EscNative.Engine;

// y = a b:  da = dy bᵀ,  db = aᵀ dy.  A transposed view costs nothing: the kernel reads it as stored.
public sealed partial class Tensor
{
    /// <summary>The matrix product [.., m, k] x [.., k, n] = [.., m, n]; leading dimensions are equal, or one side has none.</summary>
    /// <exception cref="ShapeException">The inner extents or the leading dimensions differ.</exception>
    public Tensor MatMul(Tensor other)
    {
        CheckSame("MatMul", this, other);
        CheckFloat("MatMul");
        var (a, b) = (Shape, other.Shape);
        if (a.Rank < 2 || b.Rank < 2)
            throw new ShapeException($"MatMul: got {a} and {b}, wants two dimensions or more on each side");
        if (a[^1] != b[^2])
        {
            var hint = b[^1] == a[^1] ? "; did you mean other.Transpose()?" : "";
            throw new ShapeException($"MatMul: got {a} and {b}: inner extents {a[^1]} and {b[^2]} differ{hint}");
        }

        var leading = a.Rank >= b.Rank ? a : b;
        if (!LeadingEqual(a, leading) || !LeadingEqual(b, leading))
            throw new ShapeException($"MatMul: got {a} and {b}: leading dimensions differ; make them equal or leave them out on one side");
        using var scope = Scope();
        var y = Allocate(leading.With(-2, a[^2]).With(-1, b[^1]), "MatMul");
        var batch = 1;
        for (var i = 0; i < leading.Rank - 2; i++)
            batch *= leading[i];

        var (dense, transposeA, strideA) = AsMatrices();
        var (otherDense, transposeB, strideB) = other.AsMatrices();
        Backend.MatMul(
            dense, transposeA, strideA, otherDense, transposeB, strideB, y, batch, a[^2], b[^1], a[^1]);
        if (Node.Wanted(this, other))
            y.SetNode(new MatMulNode(this, other, y.Shape));
        return scope.Keep(y);
    }

    private static bool LeadingEqual(Shape shape, Shape leading)
    {
        if (shape.Rank == 2)
            return true;
        if (shape.Rank != leading.Rank)
            return false;
        for (var i = 0; i < shape.Rank - 2; i++)
        {
            if (shape[i] != leading[i])
                return false;
        }

        return true;
    }

    /// <summary>This as densely stored matrices: as they are, as the transposes of what is stored, or copied.</summary>
    private (Tensor Matrices, bool Transposed, long Stride) AsMatrices()
    {
        var stride = Shape.Rank == 2 ? 0 : (long)Shape[^1] * Shape[^2];
        if (IsContiguous)
            return (this, false, stride);
        using (NoGrad())
        {
            var transposed = Transpose();
            return transposed.IsContiguous ? (transposed, true, stride) : (CopyContiguous(scoped: true), false, stride);
        }
    }

    private sealed class MatMulNode : Node
    {
        private readonly Shape _a;
        private readonly Shape _b;

        public MatMulNode(Tensor a, Tensor b, Shape y)
            : base(y, a, b)
        {
            (_a, _b) = (a.Shape, b.Shape);
            Save(Wants(1) ? a : null, Wants(0) ? b : null);
        }

        public override void Backward(Tensor dy)
        {
            if (Wants(0))
                Send(0, Product(dy, Saved(1).Transpose(), _a));
            if (Wants(1))
                Send(1, Product(Saved(0).Transpose(), dy, _b));
        }

        // A side without leading dimensions was used by every matrix of the batch: its gradients are summed.
        private static Tensor Product(Tensor left, Tensor right, Shape shape) => left.MatMul(right).SumTo(shape);
    }
}
